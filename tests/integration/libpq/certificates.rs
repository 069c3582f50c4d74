//! Certificates of the tests: an authority, a server, a client, a stranger's authority, and a list that revokes the server's.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("a key");
    let pem = params.self_signed(&key).expect("signed").pem();
    (pem, Issuer::new(params, key))
}

fn signed(name: &str, hosts: &[&str], serial: u64, by: &Issuer<'_, KeyPair>) -> (String, String) {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("names of hosts");
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    let key = KeyPair::generate().expect("a key");
    let pem = params.signed_by(&key, by).expect("signed").pem();
    (pem, key.serialize_pem())
}

/// Writes them into a directory: `ca.crt`, `server.crt`, `server.key`, `client.crt`, `client.key`, `stranger.crt`, `server.crl`.
/// The server's certificate is for `localhost`.
pub fn write(dir: &Path, client: &str) {
    let put = |name: &str, text: String| {
        let path = dir.join(name);
        // Private keys must not be readable by others.
        let mode = if text.contains("PRIVATE KEY") {
            0o600
        } else {
            0o644
        };
        fs::write(&path, text).expect("a new file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("our own file");
    };
    let (ca, issuer) = authority("the authority");
    let (stranger, _) = authority("a stranger");
    let (server, server_key) = signed("localhost", &["localhost"], 1001, &issuer);
    let (own, own_key) = signed(client, &[], 1002, &issuer);
    let revoked = CertificateRevocationListParams {
        this_update: date_time_ymd(2025, 1, 1),
        next_update: date_time_ymd(2125, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(1001),
            revocation_time: date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    put("ca.crt", ca);
    put("stranger.crt", stranger);
    put("server.crt", server);
    put("server.key", server_key);
    put("client.crt", own);
    put("client.key", own_key.clone());
    put(
        "server.crl",
        revoked
            .signed_by(&issuer)
            .expect("signed")
            .pem()
            .expect("text"),
    );
    put("open.key", own_key);
    let open = dir.join("open.key");
    fs::set_permissions(open, fs::Permissions::from_mode(0o644)).expect("our own file");
}

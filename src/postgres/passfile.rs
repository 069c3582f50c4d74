//! The password file (`~/.pgpass`) and the service file of libpq.
//! Invariant: a password file that others can read is not read (test `a_file_that_others_can_read_is_not_read`).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::secret::Secret;
use super::settings::SettingsError;

/// What a line of the password file must match.
pub(super) struct Login<'a> {
    /// Host or directory of the socket; `localhost` for a socket in a usual directory.
    pub(super) host: &'a str,
    /// TCP port, or the number in the socket's name.
    pub(super) port: u16,
    /// Name of the database.
    pub(super) database: &'a str,
    /// Name of the role.
    pub(super) user: &'a str,
}

/// The password for a login; `None` when the file is absent or has none.
pub(super) fn password(file: &Path, login: &Login<'_>) -> Result<Option<Secret>, SettingsError> {
    if let Some(why) = unread(file) {
        // As libpq, which needs no password everywhere; where one is needed, the error says why there is none.
        tracing::warn!(?file, why, "the password file is left out");
        return Ok(None);
    }
    let text = fs::read_to_string(file)
        .map_err(|error| SettingsError::PassFile(format!("the password file: {error}")))?;
    Ok(text.lines().find_map(|line| matching(line, login)))
}

/// Why a password file gives nothing, whatever is in it: `/dev/null` is the usual way to switch it off.
pub(super) fn unread(file: &Path) -> Option<&'static str> {
    match fs::metadata(file) {
        Err(_) => Some("does not exist"),
        Ok(about) if !about.is_file() => Some("is not a plain file"),
        Ok(about) if about.permissions().mode() & 0o077 != 0 => {
            Some("can be read by others and is not used; its permissions must be 0600 or less")
        }
        Ok(_) => None,
    }
}

fn matching(line: &str, login: &Login<'_>) -> Option<Secret> {
    if line.starts_with('#') {
        return None;
    }
    let fields = fields(line);
    let [host, port, database, user, password] = fields.as_slice() else {
        return None;
    };
    let port_text = login.port.to_string();
    let wanted = [login.host, &port_text, login.database, login.user];
    let given = [host, port, database, user];
    let matches = |(given, wanted): (&&Field, &str)| given.is_any() || given.text == wanted;
    given
        .iter()
        .zip(wanted)
        .all(matches)
        .then(|| Secret::new(password.text.clone()))
}

struct Field {
    text: String,
    escaped: bool,
}

impl Field {
    fn is_any(&self) -> bool {
        self.text == "*" && !self.escaped
    }
}

/// The five fields of a line: `:` ends one, a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<Field> {
    let empty = || Field {
        text: String::new(),
        escaped: false,
    };
    let mut fields = Vec::new();
    let mut field = empty();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                field.escaped = true;
                field.text.extend(chars.next());
            }
            ':' if fields.len() < 4 => fields.push(std::mem::replace(&mut field, empty())),
            other => field.text.push(other),
        }
    }
    fields.push(field);
    fields
}

/// The settings of a service; `None` when the file has no such service.
pub(super) fn service(
    file: &Path,
    name: &str,
) -> Result<Option<BTreeMap<String, String>>, SettingsError> {
    let Ok(text) = fs::read_to_string(file) else {
        return Ok(None);
    };
    let heading = format!("[{name}]");
    let mut lines = text
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != heading);
    if lines.next().is_none() {
        return Ok(None);
    }
    let mut settings = BTreeMap::new();
    for line in lines.take_while(|line| !line.starts_with('[')) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(SettingsError::Service(format!(
                "service {name}: a line is not key=value"
            )));
        };
        // The first of two counts, as in libpq.
        let setting = settings.entry(key.trim().to_owned());
        setting.or_insert_with(|| value.trim().to_owned());
    }
    Ok(Some(settings))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Login, password, service, unread};

    const LOGIN: Login<'_> = Login {
        host: "db1",
        port: 5432,
        database: "k:b",
        user: "reader",
    };

    #[test]
    fn the_first_line_that_matches_wins_and_escapes_are_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("pgpass");
        let text = "# note\ndb2:*:*:*:no\ndb1:5432:k\\:b:reader:a\\\\b:c\n*:*:*:*:later\n";
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
        let found = password(&file, &LOGIN).expect("readable");
        assert_eq!(found.expect("found").reveal(), "a\\b:c");
    }

    #[test]
    fn a_file_that_others_can_read_is_not_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("pgpass");
        fs::write(&file, "*:*:*:*:x\n").expect("written");
        for (mode, is_read) in [(0o640, false), (0o604, false), (0o600, true), (0o400, true)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set");
            let found = password(&file, &LOGIN).expect("no error");
            assert_eq!(found.is_some(), is_read, "{mode:o}");
            assert_eq!(unread(&file).is_none(), is_read, "{mode:o}");
        }
        let null = std::path::Path::new("/dev/null");
        assert!(password(null, &LOGIN).expect("no error").is_none());
        assert_eq!(unread(null), Some("is not a plain file"));
    }

    #[test]
    fn a_service_is_read_up_to_the_next_heading() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("services");
        fs::write(
            &file,
            "[a]\nhost=x\n\n[kb]\n# c\nhost=db1\nport=5433\n[z]\nhost=q\n",
        )
        .expect("written");
        let found = service(&file, "kb").expect("readable").expect("found");
        assert_eq!(found.get("host").map(String::as_str), Some("db1"));
        assert_eq!(found.len(), 2);
        assert!(service(&file, "none").expect("readable").is_none());
    }
}

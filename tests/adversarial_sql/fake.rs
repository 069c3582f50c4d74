//! A server that speaks just enough of the protocol to be hostile, and a wire that is cut. Invariant: both are in this process and end with their listener.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;

/// What a fake server does with a client.
pub type Behaviour = fn(&mut TcpStream) -> std::io::Result<()>;

/// Starts a fake server and returns its port.
pub fn serve(behaviour: Behaviour) -> u16 {
    listen(move |mut client| {
        // The client goes away when it has had enough.
        let _ = startup_packet(&mut client).and_then(|()| behaviour(&mut client));
    })
}

/// Starts a proxy to a unix socket that lets `bytes` of the server's through, then cuts. Returns its port.
pub fn cut_after(socket: PathBuf, bytes: u64) -> u16 {
    listen(move |client| {
        let server = UnixStream::connect(&socket).expect("the server listens");
        let mut to_server = server.try_clone().expect("a second handle");
        let mut from_client = client.try_clone().expect("a second handle");
        thread::spawn(move || {
            // It ends when either side is shut.
            let _ = std::io::copy(&mut from_client, &mut to_server);
        });
        let mut through = (&server).take(bytes);
        let _ = std::io::copy(&mut through, &mut &client);
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    })
}

/// Starts a proxy to a unix socket that lets so many answers of the server through, and sends rows without end in place of the
/// next. Returns its port.
pub fn flood_after(socket: PathBuf, answers: usize) -> u16 {
    listen(move |mut client| {
        let mut server = UnixStream::connect(&socket).expect("the server listens");
        let mut to_server = server.try_clone().expect("a second handle");
        let mut from_client = client.try_clone().expect("a second handle");
        thread::spawn(move || {
            // It ends when either side is shut.
            let _ = std::io::copy(&mut from_client, &mut to_server);
        });
        let _ = through(&mut server, &mut client, answers);
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    })
}

/// Hands messages on until the description of the rows that are to be without end.
fn through(server: &mut UnixStream, client: &mut TcpStream, answers: usize) -> std::io::Result<()> {
    let mut described = 0;
    loop {
        let mut head = [0; 5];
        server.read_exact(&mut head)?;
        let [tag, length @ ..] = head;
        let mut body = vec![0; (u32::from_be_bytes(length) - 4) as usize];
        server.read_exact(&mut body)?;
        client.write_all(&head)?;
        client.write_all(&body)?;
        described += usize::from(tag == b'T');
        if described > answers {
            // Short cells cost most in memory beside their bytes, long ones come in few rows.
            let width: u32 = if answers.is_multiple_of(2) { 1 } else { 10_000 };
            let columns = u16::from_be_bytes([body[0], body[1]]);
            let mut row = columns.to_be_bytes().to_vec();
            for _ in 0..columns {
                row.extend(width.to_be_bytes());
                row.extend(vec![b'x'; width as usize]);
            }
            return forever(client, &message(b'D', &row));
        }
    }
}

fn listen(each: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let each = each.clone();
            thread::spawn(move || each(client));
        }
    });
    port
}

fn startup_packet(client: &mut TcpStream) -> std::io::Result<()> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let rest = u32::from_be_bytes(length).saturating_sub(4).min(10_000);
    let mut packet = vec![0; rest as usize];
    client.read_exact(&mut packet)
}

/// One message with its length.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message");
    let mut bytes = vec![tag];
    bytes.extend(length.to_be_bytes());
    bytes.extend(body);
    bytes
}

/// Lets the client in and waits until it has asked something.
fn let_in(client: &mut TcpStream) -> std::io::Result<()> {
    client.write_all(&message(b'R', &0_u32.to_be_bytes()))?;
    client.write_all(&message(b'K', &[0; 8]))?;
    client.write_all(&message(b'Z', b"I"))?;
    let mut some = [0; 1];
    client.read_exact(&mut some)
}

/// Parsed, bound, and a row description of so many columns of a type.
fn described(client: &mut TcpStream, columns: u16, oid: u32) -> std::io::Result<()> {
    client.write_all(&message(b'1', &[]))?;
    client.write_all(&message(b'2', &[]))?;
    client.write_all(&row_description(columns, oid))
}

fn row_description(columns: u16, oid: u32) -> Vec<u8> {
    let mut body = columns.to_be_bytes().to_vec();
    for _ in 0..columns {
        body.extend(b"c\0");
        body.extend([0; 6]);
        body.extend(oid.to_be_bytes());
        body.extend([0; 8]);
    }
    message(b'T', &body)
}

fn notice() -> Vec<u8> {
    message(b'N', b"SNOTICE\0C00000\0Mhello\x1b]0;owned\x07\0\0")
}

fn forever(client: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let many = bytes.repeat(1 + 65_536 / bytes.len().max(1));
    loop {
        client.write_all(&many)?;
    }
}

const TEXT: u32 = 25;

/// Every behaviour by name.
pub const BEHAVIOURS: [(&str, Behaviour); 20] = [
    ("a message of 1 GB before the login", |client| {
        client.write_all(&[b'R', 0x3f, 0xff, 0xff, 0xff])?;
        forever(client, &[0; 65_536])
    }),
    ("a row of 1 GB", |client| {
        let_in(client)?;
        described(client, 1, TEXT)?;
        client.write_all(&[b'D', 0x3f, 0xff, 0xff, 0xff])?;
        forever(client, &[0; 65_536])
    }),
    ("notices without end before the login", |client| {
        forever(client, &notice())
    }),
    ("notices without end after the login", |client| {
        let_in(client)?;
        forever(client, &notice())
    }),
    ("rows without end", |client| {
        let_in(client)?;
        described(client, 1, TEXT)?;
        forever(client, &message(b'D', &[0, 1, 0, 0, 0, 1, b'x']))
    }),
    ("rows without columns without end", |client| {
        let_in(client)?;
        described(client, 0, TEXT)?;
        forever(client, &message(b'D', &[0, 0]))
    }),
    ("10,000 columns without end", |client| {
        let_in(client)?;
        described(client, 10_000, TEXT)?;
        let mut row = 10_000_u16.to_be_bytes().to_vec();
        row.extend([0xff; 40_000]);
        forever(client, &message(b'D', &row))
    }),
    ("a type that nobody knows", |client| {
        loop {
            let_in(client)?;
            described(client, 1, 4_000_000)?;
            client.write_all(&message(b'Z', b"T"))?;
        }
    }),
    ("an error of 1 GB before the login", |client| {
        client.write_all(&[b'E', 0x3f, 0xff, 0xff, 0xff])?;
        forever(client, b"Mx")
    }),
    ("an error of 1 GB", |client| {
        let_in(client)?;
        client.write_all(&[b'E', 0x3f, 0xff, 0xff, 0xff])?;
        forever(client, b"Mx")
    }),
    ("a notice of 1 GB", |client| {
        let_in(client)?;
        client.write_all(&[b'N', 0x3f, 0xff, 0xff, 0xff])?;
        forever(client, b"Mx")
    }),
    ("settings without end", |client| {
        let_in(client)?;
        forever(client, &message(b'S', b"name\0value\0"))
    }),
    ("escapes in an error of 1 MB", |client| {
        let mut body = b"SFATAL\0VFATAL\0C28P01\0M".to_vec();
        body.extend(b"\x1b[2J\x1b]0;owned\x07".repeat(60_000));
        body.extend([0, 0]);
        client.write_all(&message(b'E', &body))
    }),
    ("an error with a SQLSTATE of one letter", |client| {
        let_in(client)?;
        client.write_all(&message(b'E', b"SERROR\0VERROR\0C1\0Mx\0\0"))?;
        client.write_all(&message(b'Z', b"T"))?;
        forever(client, &message(b'Z', b"T"))
    }),
    ("a refused login with a SQLSTATE of one letter", |client| {
        client.write_all(&message(b'E', b"SFATAL\0VFATAL\0C1\0Mx\0\0"))
    }),
    ("a value that is no UTF-8", |client| {
        let_in(client)?;
        // The first question is one of the simple protocol.
        client.write_all(&row_description(2, TEXT))?;
        let cells = [0, 2, 0, 0, 0, 1, b'x', 0, 0, 0, 1, 0xff];
        client.write_all(&message(b'D', &cells))?;
        forever(client, &message(b'Z', b"T"))
    }),
    ("lengths that lie", |client| {
        let_in(client)?;
        described(client, 3, TEXT)?;
        client.write_all(&message(b'D', &[0, 3, 0x7f, 0xff, 0xff, 0xff, 1]))?;
        client.write_all(&[b'D', 0, 0, 0, 0])?;
        client.write_all(&[b'D', 0xff, 0xff, 0xff, 0xff])?;
        forever(client, &message(b'Z', b"T"))
    }),
    ("noise", |client| {
        let_in(client)?;
        let noise: Vec<u8> = (0..65_537_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        forever(client, &noise)
    }),
    ("it says that all is done and gives no rows", |client| {
        loop {
            let_in(client)?;
            client.write_all(&message(b'1', &[]))?;
            client.write_all(&message(b'2', &[]))?;
            client.write_all(&message(b'n', &[]))?;
            client.write_all(&message(b'C', b"SELECT 0\0"))?;
            client.write_all(&message(b'Z', b"T"))?;
        }
    }),
    ("silence", |client| {
        let_in(client)?;
        std::io::copy(client, &mut std::io::sink()).map(drop)
    }),
];

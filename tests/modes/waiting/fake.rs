//! Servers of the test's own, each at an address of the loopback network that nobody else
//! uses, so that a port can be known before anybody listens on it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

pub(super) const PORT: u16 = 3306;

pub(super) const GREETING: &[u8] =
    b"\x33\0\0\0\x0a10.11.6-MariaDB\0\x07\0\0\0abcdefgh\0\xfe\xf7\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0ab\0";
pub(super) const TOO_MANY: &[u8] = b"\x17\0\0\0\xff\x10\x04Too many connections";
pub(super) const STARTING: &[u8] = b"E\0\0\0\x37SFATAL\0C57P03\0Mthe database system is starting up\0\0";
pub(super) const ASKS_WHO: &[u8] = b"R\0\0\0\x08\0\0\0\x03";

/// An address that nothing listens on.
pub(super) fn address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high, low, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The same with a port, as text.
pub(super) fn host_port() -> String {
    SocketAddr::from((address(), PORT)).to_string()
}

pub(super) trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// What a server does with a connection.
pub(super) type Script = fn(Box<dyn Stream>);

/// Listens at `address`, `ip:port` or a path, until the test program ends.
pub(super) fn serve(address: &str, script: Script) {
    if address.starts_with('/') {
        let listener = UnixListener::bind(Path::new(address)).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || script(Box::new(stream)));
            }
        });
    } else {
        let listener = TcpListener::bind(address).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || script(Box::new(stream)));
            }
        });
    }
}

/// Says nothing, and stays.
pub(super) fn silent(mut stream: Box<dyn Stream>) {
    let _ = stream.read_to_end(&mut Vec::new());
}

pub(super) fn closes(_: Box<dyn Stream>) {}

pub(super) fn says(mut stream: Box<dyn Stream>, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
    silent(stream);
}

/// Greets as MariaDB does, and refuses the login.
pub(super) fn greets(mut stream: Box<dyn Stream>) {
    let refusal = b"\x1c\0\0\x02\xff\x15\x04#28000Access denied for u";
    if stream.write_all(GREETING).is_ok() && stream.read(&mut [0; 1024]).is_ok() {
        says(stream, refusal);
    }
}

/// The same bytes for ever.
pub(super) fn endless(mut stream: Box<dyn Stream>, bytes: &[u8]) {
    while stream.write_all(bytes).is_ok() {}
}

/// Byte by byte, and slowly, for ever.
pub(super) fn drips(mut stream: Box<dyn Stream>, bytes: &[u8]) {
    for byte in bytes.iter().cycle() {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

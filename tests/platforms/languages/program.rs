//! usage: program PORT [COUNT tcp]
//! Answers each client of 127.0.0.1:PORT once; or asks there COUNT times, one after another, and prints, as the other clients of
//! the load do, "N succeeded, N failed".
use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process;
use std::thread;

fn serve(address: &str) -> io::Result<()> {
    for client in TcpListener::bind(address)?.incoming() {
        let mut client = client?;
        thread::spawn(move || {
            let mut request = [0; 512];
            if client.read(&mut request).unwrap_or(0) > 0 {
                // It stays open until the client, or this program, is gone.
                let _ = client.write_all(b"hello\n");
                let _ = io::copy(&mut client, &mut io::sink());
            }
        });
    }
    Ok(())
}

/// Until the server has hung up: the TIME_WAIT is its.
fn ask(address: &str) -> io::Result<usize> {
    let mut connection = TcpStream::connect(address)?;
    connection.write_all(b"PING\r\n")?;
    connection.read_to_end(&mut Vec::new())
}

fn ask_often(address: &str, count: usize) {
    let succeeded = (0..count).filter(|_| ask(address).unwrap_or(0) > 0).count();
    println!("{} succeeded, {} failed", succeeded, count - succeeded);
}

fn main() {
    let words: Vec<String> = env::args().collect();
    let address = format!("127.0.0.1:{}", words[1]);
    if let Some(count) = words.get(2) {
        ask_often(&address, count.parse().expect("a number"));
    } else if let Err(error) = serve(&address) {
        eprintln!("{error}");
        process::exit(1);
    }
}

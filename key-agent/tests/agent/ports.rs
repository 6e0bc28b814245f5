//! Where the agent listens.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use key_agent::protocol::PORTS;
use key_agent::server::Listeners;

/// Three that are free now.
fn three() -> [u16; 3] {
    let held = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

#[tokio::test]
async fn it_takes_the_first_that_is_free_on_both_addresses() {
    assert_eq!(PORTS, [17443, 27443, 37443]);
    let ports = three();
    let _v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, ports[0])).unwrap();
    // A computer without IPv6 has no second address to be taken.
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, ports[1]));
    let listeners = Listeners::bind(&ports).await.unwrap();
    assert_eq!(listeners.port, if v6.is_ok() { ports[2] } else { ports[1] });
    if v6.is_ok() {
        assert!(Listeners::bind(&ports).await.is_err(), "all are taken");
        assert!(TcpStream::connect((Ipv6Addr::LOCALHOST, listeners.port)).is_ok());
    }
}

/// Nobody reaches it from another computer.
#[tokio::test]
async fn it_listens_on_no_other_address() {
    let listeners = Listeners::bind(&[0]).await.unwrap();
    let port = listeners.port;
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    // The address by which this computer would speak to others, without a packet to anybody.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("192.0.2.1:9").is_ok() {
        let outside = socket.local_addr().unwrap().ip();
        if !outside.is_loopback() {
            assert!(TcpStream::connect(SocketAddr::new(outside, port)).is_err(), "{outside}");
        }
    }
}

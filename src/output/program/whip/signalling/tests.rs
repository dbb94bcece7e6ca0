//! Against a server of canned answers, which writes down what it is asked.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use crossbeam::channel::{Receiver, bounded};

use super::*;

/// Gives one answer after the other; what was asked comes out of the channel.
fn server(answers: Vec<String>) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, (asked, asks)) = (listener.local_addr().unwrap().port(), bounded(16));
    let serve = move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut text, mut part) = (String::new(), [0; 4096]);
            let whole = |text: &str| {
                let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
                let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                body.len() >= length.unwrap_or(0)
            };
            while !whole(&text) {
                let len = stream.read(&mut part).unwrap();
                assert!(len > 0, "it hangs up in the middle of a question: {text}");
                text.push_str(&String::from_utf8_lossy(&part[..len]));
            }
            asked.send(text).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    };
    std::thread::Builder::new().name("canned".to_owned()).spawn(serve).unwrap();
    (port, asks)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn said(status: &str, body: &str, token: Option<&str>) -> String {
    let (port, _asks) = server(vec![answer(status, "", body)]);
    let url = Secret::new(format!("http://127.0.0.1:{port}/live/key-17"));
    let token = token.map(Secret::new);
    Session::open(&url, token.as_ref(), "v=0").err().unwrap_or_else(|| panic!("{status} is no error"))
}

#[test]
fn a_session_is_opened_with_the_token_and_ended_where_the_server_says() {
    let (port, asks) = server(vec![
        answer("201 Created", "Location: /session/9?x=y\r\nContent-Type: application/sdp\r\n", "v=1"),
        answer("200 OK", "", ""),
    ]);
    let url = Secret::new(format!("http://127.0.0.1:{port}/live/whip?app=a"));
    let (session, sdp) = Session::open(&url, Some(&Secret::new("s3cret")), "v=0\r\n").unwrap();
    let post = asks.recv().unwrap();
    let lower = post.to_ascii_lowercase();
    assert!(post.starts_with("POST /live/whip?app=a HTTP/1.1\r\n") && post.ends_with("\r\n\r\nv=0\r\n"), "{post}");
    assert!(lower.contains("content-type: application/sdp\r\n") && lower.contains("authorization: bearer s3cret\r\n"), "{post}");
    assert_eq!(sdp, "v=1");
    drop(session);
    let delete = asks.recv().unwrap();
    assert!(delete.starts_with("DELETE /session/9?x=y HTTP/1.1\r\n"), "{delete}");
    assert!(delete.to_ascii_lowercase().contains("authorization: bearer s3cret\r\n"), "{delete}");
}

#[test]
fn a_server_sends_on_to_another_that_does_not_get_the_token() {
    let (other, others) = server(vec![answer("201 Created", "Location: there\r\n", "v=1"), answer("200 OK", "", "")]);
    let (port, asks) = server(vec![
        answer("307 Temporary Redirect", "Location: /second\r\n", ""),
        answer("308 Permanent Redirect", &format!("Location: http://127.0.0.1:{other}/a/b\r\n"), ""),
    ]);
    let url = Secret::new(format!("http://127.0.0.1:{port}/first"));
    drop(Session::open(&url, Some(&Secret::new("s3cret")), "v=0").unwrap());
    let has_token = |text: &str| text.to_ascii_lowercase().contains("authorization");
    let (first, second) = (asks.recv().unwrap(), asks.recv().unwrap());
    assert!(first.starts_with("POST /first") && second.starts_with("POST /second") && has_token(&first) && has_token(&second), "{second}");
    let (third, last) = (others.recv().unwrap(), others.recv().unwrap());
    assert!(third.starts_with("POST /a/b ") && third.ends_with("v=0") && last.starts_with("DELETE /a/there "), "{third} {last}");
    assert!(!has_token(&third) && !has_token(&last), "the token went to a stranger: {third}");
}

#[test]
fn what_a_server_refuses_is_said_with_what_to_do() {
    for (status, body, token, words) in [
        ("401 Unauthorized", "", None, "append ?token="),
        ("403 Forbidden", "", Some("s3cret"), "does not take the token (403)"),
        ("404 Not Found", "<html>nothing</html>", None, "nothing at this path (404)"),
        ("405 Method Not Allowed", "", None, "no WHIP endpoint"),
        ("415 Unsupported Media Type", "no codec", None, "baseline, Opus) (415: no codec)"),
        ("409 Conflict", "", None, "somebody else"),
        ("503 Service Unavailable", "", None, "busy"),
        ("500 Oh", "", None, "broken (500)"),
        ("302 Found", "", None, "does not open a session (302)"),
        ("307 Temporary Redirect", "", None, "does not say where"),
    ] {
        let told = said(status, body, token);
        assert!(told.contains(words), "{status}: {told}");
        assert!(!told.contains("s3cret") && !told.contains("key-17"), "{told}");
    }
    let (port, _asks) = server(vec![answer("307 Temporary Redirect", "Location: /again\r\n", ""); 9]);
    let told = Session::open(&Secret::new(format!("http://127.0.0.1:{port}/")), None, "v=0").err().unwrap();
    assert!(told.contains("without end"), "{told}");
    // Nobody is there, and somebody who is no web server.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let told = Session::open(&Secret::new(format!("http://127.0.0.1:{free}/a")), None, "v=0").err().unwrap();
    assert!(told.contains("cannot be reached"), "{told}");
    let (port, _asks) = server(vec!["220 mail.example.org\r\n".to_owned()]);
    let told = Session::open(&Secret::new(format!("http://127.0.0.1:{port}/a")), None, "v=0").err().unwrap();
    assert!(told.contains("no web server"), "{told}");
}

#[test]
fn locations_lead_from_where_we_are() {
    let base: Uri = "http://host:81/a/b?c=d".parse().unwrap();
    let to = |location: &str| resolved(&base, location).map(|uri| uri.to_string());
    assert_eq!(to("/x/y").as_deref(), Some("http://host:81/x/y"));
    assert_eq!(to("x").as_deref(), Some("http://host:81/a/x"));
    assert_eq!(to("//other/x").as_deref(), Some("http://other/x"));
    assert_eq!(to("https://other:8/x").as_deref(), Some("https://other:8/x"));
    assert_eq!(to("file:///etc/passwd"), None);
    assert_eq!(origin(&"HTTPS://Host/x".parse().unwrap()), "https://host:443");
}

use super::*;

fn parsed(uri: &str) -> StreamSource {
    StreamSource::parse(uri).unwrap_or_else(|| panic!("{uri} is no stream")).unwrap_or_else(|e| panic!("{e}"))
}

fn refused(uri: &str) -> String {
    StreamSource::parse(uri).unwrap_or_else(|| panic!("{uri} is no stream")).unwrap_err().to_string()
}

#[test]
fn rtsp_keeps_what_belongs_to_the_camera() {
    let source = parsed("rtsp://admin:s3cr3tword@10.0.0.7/cam?channel=1&transport=tcp&latency_ms=80&subtype=0&stall_s=5");
    let url = Secret::new("rtsp://admin:s3cr3tword@10.0.0.7/cam?channel=1&subtype=0");
    assert_eq!(source.kind, StreamKind::Rtsp { url, transport: RtspTransport::Tcp, latency_ms: 80, clock: RtspClock::Arrival });
    assert_eq!(source.stall_after, Duration::from_secs(5));
    assert_eq!(source.label(), "rtsp://***:***@10.0.0.7/cam?channel=***&transport=tcp&latency_ms=80&subtype=***&stall_s=5");
    assert!(!format!("{source:?}").contains("s3cr3tword"));
    assert_eq!(source.redact("cannot open rtsp://admin:s3cr3tword@10.0.0.7"), "cannot open rtsp://***:***@10.0.0.7");
    assert!(refused("rtsp://10.0.0.7/1?transport=http").contains("transport=http"));
    assert!(matches!(parsed("rtsp://cam/1?time=rtcp").kind, StreamKind::Rtsp { clock: RtspClock::SenderReport, .. }));
    assert!(matches!(parsed("rtsp://cam/1?time=refclk").kind, StreamKind::Rtsp { clock: RtspClock::Described, .. }));
    assert!(refused("rtsp:///1").contains("host"));
}

#[test]
fn srt_in_both_directions() {
    let source = parsed("srt://cam.local:7001?passphrase=long%20enough%21&latency=60");
    let StreamKind::Srt { at, mode, passphrase, latency_ms, .. } = source.kind else { panic!() };
    assert_eq!((at.host.as_str(), at.port, mode, latency_ms), ("cam.local", 7001, SrtMode::Caller, 60));
    assert_eq!(passphrase, Some(Secret::new("long enough!")));
    let StreamKind::Srt { mode, .. } = parsed("srt://:7001").kind else { panic!() };
    assert_eq!(mode, SrtMode::Listener);
    let said = refused("srt://cam:7001?passphrase=short7&mode=caller");
    assert!(said.contains("10 to 79") && said.contains("srt://cam:7001") && !said.contains("short7"), "{said}");
    assert!(refused("srt://:7001?mode=caller").contains("host"));
    assert!(refused("srt://cam").contains("port"));
    assert!(refused("srt://cam:7001?pasphrase=0123456789abc").contains("pasphrase"));
}

#[test]
fn packets_and_multicast() {
    assert_eq!(parsed("udp://239.1.2.3:5000").kind, StreamKind::MpegTs { at: Endpoint { host: "239.1.2.3".into(), port: 5000 } });
    assert_eq!(parsed("udp://@:5000").kind, StreamKind::MpegTs { at: Endpoint { host: String::new(), port: 5000 } });
    assert_eq!(parsed("udp://[ff15::7]:5000").kind, StreamKind::MpegTs { at: Endpoint { host: "ff15::7".into(), port: 5000 } });
    let StreamKind::Rtp { payload, .. } = parsed("rtp://0.0.0.0:5004?encoding=jpeg").kind else { panic!() };
    assert_eq!((payload.encoding, payload.payload, payload.clock_rate), ("JPEG", 26, 90_000));
    let StreamKind::Rtp { payload, .. } = parsed("rtp://:5004?encoding=raw&size=320x180&payload=97").kind else { panic!() };
    assert_eq!((payload.raw, payload.payload), (Some(("YCbCr-4:2:2".to_owned(), 320, 180, 8)), 97));
    assert!(refused("rtp://:5004?encoding=raw").contains("size"));
    let StreamKind::Rtp { payload, .. } = parsed("rtp://:5004?ts_refclk=ntp=10.0.0.1:124&mediaclk=direct=7").kind else { panic!() };
    assert_eq!(payload.reference_clock.map(|c| c.to_sdp()), Some(("ntp=10.0.0.1:124".to_owned(), "direct=7".to_owned())));
    assert!(refused("rtp://:5004?ts_refclk=foo").contains("neither ntp= nor ptp="));
    assert!(refused("rtp://:5004?encoding=ts&ts_refclk=ntp=10.0.0.1").contains("times of its own"));
    assert!(refused("rtp://:5004?mediaclk=direct=0").contains("mediaclk"));
    assert!(refused("rtp://:5004?encoding=vp8").contains("vp8"));
    assert!(refused("rtp://:99999").contains("99999"));
    assert!(refused("udp:5000").contains("udp://"));
    assert!(refused("rist://:5005").contains("use 5004"));
    assert!(refused("rist://:1").contains("use 2"));
}

#[test]
fn devices_and_names() {
    let wanted =
        StreamKind::V4l2 { device: "/dev/video2".into(), format: Some(V4l2Format::Mjpeg), size_px: Some((1280, 720)), fps: Some(60) };
    assert_eq!(parsed("v4l2:/dev/video2?format=mjpeg&size=1280x720&fps=60").kind, wanted);
    assert_eq!(parsed("ndi:STUDIO (Cam 1)").kind, StreamKind::Ndi { name: "STUDIO (Cam 1)".into() });
    assert_eq!(parsed("decklink:3").kind, StreamKind::DeckLink { device: 3 });
    assert_eq!(parsed("aravis:Basler-12345").kind, StreamKind::Aravis { name: "Basler-12345".into() });
    assert!(refused("decklink:first").contains("decklink:0"));
    assert!(refused("v4l2:video0").contains("/dev/videoN"));
    assert!(refused("ndi:").contains("missing"));
    assert!(refused("http://server/clip.mp4").contains("m3u8"));
}

#[test]
fn which_time_is_wanted() {
    for (uri, time) in [
        ("udp://@:5000", TimeWish::Best),
        ("udp://@:5000?time=timecode", TimeWish::Timecode),
        ("srt://:7000?time=ltc", TimeWish::Ltc),
        ("rist://:7000?time=arrival", TimeWish::Arrival),
        ("rtp://:7000?encoding=ts&time=ltc", TimeWish::Ltc),
        ("rtsp://cam/1?time=timecode", TimeWish::Timecode),
        ("rtsp://cam/1?time=rtcp", TimeWish::Best),
        ("decklink:0?time=timecode", TimeWish::Timecode),
        // The server's own.
        ("rtmp://host/live/cam?time=ltc", TimeWish::Best),
    ] {
        assert_eq!(parsed(uri).time, time, "{uri}");
    }
    assert!(matches!(parsed("rtsp://cam/1?time=timecode").kind, StreamKind::Rtsp { clock: RtspClock::Arrival, .. }));
    assert!(refused("rtsp://cam/1?time=ltc").contains("sound beside the pictures"));
    assert!(refused("udp://@:5000?time=rtcp").contains("none of arrival, timecode, ltc"));
    assert!(refused("rtsp://cam/1?time=gps").contains("timecode, rtcp, refclk"));
}

#[test]
fn other_words_are_no_streams() {
    for path in ["cam01.mp4", "file:cam01.mp4", "a/b.mov?loop", "C:\\cam.mp4", "images:a/f_%05d.png", "push:x"] {
        assert!(StreamSource::parse(path).is_none(), "{path}");
    }
}

#[test]
fn a_shared_clock_and_arrival_are_not_both_wanted() {
    let both = "rtp://:5000?time=arrival&ts_refclk=ntp=10.0.0.9";
    let told = StreamSource::parse(both).unwrap().unwrap_err().to_string();
    assert!(told.contains("time=arrival") && told.contains("ts_refclk say two things") && told.contains("keep"), "{told}");
    for one in ["rtp://:5000?time=arrival", "rtp://:5000?ts_refclk=ntp=10.0.0.9", "rtp://:5000?time=timecode&ts_refclk=ntp=10.0.0.9"] {
        assert!(StreamSource::parse(one).unwrap().is_ok(), "{one}");
    }
}

#[test]
fn what_is_no_secret_is_shown() {
    for (uri, shown) in [
        ("srt://cam.local:7001?latency=60&passphrase=0123456789ab", "srt://cam.local:7001?latency=60&passphrase=***"),
        ("udp://@:5000", "udp://@:5000"),
        ("udp://[ff15::7]:5000", "udp://[ff15::7]:5000"),
        ("rtsp://tokentoken@h/a/b?transport=tcp", "rtsp://***@h/a/b?transport=tcp"),
        ("rtsp://h:554/a/user=me_password=you/x", "rtsp://h:554/a/***"),
        ("rtmp://h:1935/live/key/more?x", "rtmp://h:1935/live/***?***"),
        ("rtmp://h/key", "rtmp://h/***"),
        ("rtmp://h", "rtmp://h"),
        ("srt://h:70;passphrase=0123456789ab", "srt://h:70***"),
        ("rtsp://op:pa/ss@host/1", "rtsp://***"),
        ("srt://h:70?passphrase=p@ssword12", "srt://***"),
        ("rtsp://admin:forgotten", "rtsp://admin:***"),
        ("v4l2:/dev/video0?fps=60", "v4l2:/dev/video0?fps=60"),
        ("images:a/f_%05d.png?fps=25&loop", "images:a/f_%05d.png?fps=25&loop"),
    ] {
        assert_eq!(redact_uri(uri).0, shown);
    }
}

mod any_text {
    use proptest::prelude::*;

    use super::*;

    /// Every place of an address that may hold a secret; `%` stands for it.
    const PLACES: [&str; 27] = [
        "rtsp://op:%@host:554/1",
        "rtsp://op:%@host/1?transport=x",
        "rtsp://%@host/1",
        "rtsp://%:pw@host/1",
        "rtsps2://op:%@host/1",
        "rt-sp://op:%@host/1",
        "rtsp:/op:%@host/1",
        "rtsp//op:%@host/1",
        "rtsp://host/1?token=%",
        "rtsp://host/1?access_token=%&time=x",
        "srt://op:%@host:70",
        "srt://host:70?passphrase=%",
        "srt://host:70?passphrase=%&mode=x",
        "srt://host:70;passphrase=%",
        "srt://host:70?mode=caller;passphrase=%",
        "srt//host:70?passphrase=%",
        " srt://host:70?passphrase=%&mode=x",
        "srtt://host:70?passphrase=%",
        "\u{feff}srt://host:70?passphrase=%",
        "srt://host:70?streamid=%&latency=x",
        "srt://op:%",
        "rtmp://host/live/%",
        "rtmp://host/live/%?client=x",
        "https://host/x.m3u8?Signature=%",
        "https://host/x.m3u8?hdnts=%&stall_s=x",
        "rtsp://host/user=op_password=%_channel=1",
        "udp://op:%@:5000",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn no_secret_is_ever_told(place in 0..PLACES.len(), head in "[A-Z]{7}", between in "[-/?@&=;:#%+~ .!\"\u{e9}]{0,3}", tail in "[A-Z]{7}") {
            // Without a host, what follows the last @ is one.
            prop_assume!(PLACES[place] != "srt://op:%" || !between.contains('@'));
            let uri = PLACES[place].replace('%', &format!("{head}{between}{tail}"));
            let mut told = redact_uri(&uri).0;
            match crate::capture::FeedSource::parse(&uri) {
                Err(e) => told.push_str(&[e.to_string(), format!("{e:?}")].concat()),
                Ok(crate::capture::FeedSource::Stream(s)) => {
                    told.push_str(&[format!("{s:?}"), s.label().to_owned(), s.remedy()].concat());
                    told += &s.redact(&format!("no answer from {uri}, {head}{between}{tail} refused"));
                }
                Ok(other) => prop_assert!(false, "{uri} is {other:?}"),
            }
            prop_assert!(!told.contains(&head) && !told.contains(&tail), "{uri}: {told}");
        }

        #[test]
        fn never_panics_and_never_tells_the_passphrase(tail in "\\PC{0,40}", phrase in "[a-z]{12}Q") {
            let uri = format!("srt://{tail}?x=1&passphrase={phrase}");
            if let Some(parsed) = StreamSource::parse(&uri) {
                let told = parsed.map_or_else(|e| format!("{e} {e:?}"), |s| format!("{s:?} {}", s.label()));
                prop_assert!(!told.contains(&phrase), "{}", told);
            }
            for scheme in ["rtsp://", "rtp://", "udp://", "rist://", "v4l2:", "decklink:", "http://"] {
                let _ = StreamSource::parse(&format!("{scheme}{tail}"));
            }
        }
    }
}

#[test]
fn two_feeds_cannot_have_one_port_or_device() {
    let stream = parsed;
    let excludes = |a: &str, b: &str| {
        let (a, b) = (stream(a), stream(b));
        a.takes().zip(b.takes()).is_some_and(|(a, b)| a.excludes(&b) && b.excludes(&a))
    };
    assert!(excludes("udp://@:5000", "rtp://127.0.0.1:5000?encoding=h264"));
    assert!(excludes("srt://:7001", "srt://:7001?latency=200"));
    assert!(excludes("v4l2:/dev/video0", "v4l2:/dev/video0?format=mjpeg"));
    assert!(!excludes("udp://239.1.1.1:5000", "udp://239.1.1.2:5000"), "two groups");
    assert!(!excludes("udp://@:5000", "udp://@:5002"));
    assert!(!excludes("srt://camera:7001", "srt://camera:7001?streamid=2"), "called, not listened to");
    assert!(!excludes("rtsp://camera/1", "rtsp://camera/1"));
}

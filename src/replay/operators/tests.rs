use proptest::prelude::*;

use super::*;

const NAMES: [&str; 3] = ["anna", "bo", "cy"];

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn by(name: &str) -> Origin {
    Origin::named(Way::Http, name.parse().unwrap())
}

fn console() -> Origin {
    Origin::default()
}

#[test]
fn a_lock_keeps_all_others_out_and_nobody_else() {
    let mut all = Operators::default();
    let program = [LockChannel::Program];
    assert_eq!(all.order(&by("anna"), LockOrder::Lock, &program, secs(1)), Ok(program.to_vec()));
    assert_eq!(all.order(&by("anna"), LockOrder::Lock, &program, secs(2)), Ok(vec![]), "it is hers already");
    assert_eq!(all.may(&by("anna"), &program, secs(2)), Ok(()));
    // Her tablet and her fader box are one person.
    assert_eq!(all.may(&Origin::named(Way::Osc, "anna".parse().unwrap()), &program, secs(2)), Ok(()));
    for other in [by("bo"), console(), Origin::unnamed(Way::Http), Origin::unnamed(Way::Surface)] {
        assert!(matches!(all.may(&other, &program, secs(2)), Err(LockRefusal::Held { away: false, .. })), "{other}");
        assert_eq!(all.may(&other, &[LockChannel::Preview, LockChannel::Rig], secs(2)), Ok(()));
    }
    assert!(matches!(all.order(&by("bo"), LockOrder::Unlock, &program, secs(2)), Err(LockRefusal::Held { .. })));
    assert_eq!(all.order(&by("anna"), LockOrder::Unlock, &LockChannel::ALL, secs(3)), Ok(program.to_vec()));
    assert_eq!(all.order(&by("anna"), LockOrder::Unlock, &program, secs(3)), Err(LockRefusal::NotHeld));
    assert_eq!(all.order(&Origin::unnamed(Way::Http), LockOrder::Lock, &program, secs(3)), Err(LockRefusal::Nameless));
}

#[test]
fn who_is_there_keeps_a_lock_and_who_is_away_loses_it() {
    let program = [LockChannel::Program];
    let mut all = Operators::default();
    all.order(&by("anna"), LockOrder::Lock, &program, secs(0)).unwrap();
    all.hear(&by("anna"), secs(9));
    assert!(all.order(&by("bo"), LockOrder::TakeOver, &program, secs(18)).is_err(), "heard nine seconds ago");
    assert_eq!(all.order(&by("bo"), LockOrder::TakeOver, &program, secs(19)), Ok(program.to_vec()));
    assert!(all.may(&by("anna"), &program, secs(20)).is_err());
    // The console asks nobody, and is never away.
    assert_eq!(all.order(&console(), LockOrder::TakeOver, &program, secs(20)), Ok(program.to_vec()));
    assert!(all.order(&by("bo"), LockOrder::TakeOver, &program, secs(1000)).is_err());
    assert_eq!(all.let_go(secs(1000)), []);
    // The console may let go what others hold, and a lock of who has left goes by itself.
    all.order(&console(), LockOrder::Unlock, &program, secs(1001)).unwrap();
    all.order(&by("anna"), LockOrder::Lock, &LockChannel::ALL, secs(1001)).unwrap();
    assert_eq!(all.order(&console(), LockOrder::Unlock, &program, secs(1002)), Ok(program.to_vec()));
    assert_eq!(all.let_go(secs(1060)), []);
    assert_eq!(all.let_go(secs(1061)).len(), LockChannel::ALL.len() - 1);
    assert_eq!((all.locks().count(), all.present(secs(1061)).count()), (0, 0));
}

#[test]
fn of_many_channels_all_are_got_or_none() {
    let mut all = Operators::default();
    all.order(&by("anna"), LockOrder::Lock, &[LockChannel::Rig], secs(0)).unwrap();
    assert!(all.order(&by("bo"), LockOrder::Lock, &LockChannel::ALL, secs(1)).is_err());
    assert!(all.order(&by("bo"), LockOrder::TakeOver, &LockChannel::ALL, secs(1)).is_err());
    assert_eq!(all.locks().count(), 1);
    assert_eq!(all.order(&by("bo"), LockOrder::TakeOver, &LockChannel::ALL, secs(10)).unwrap().len(), LockChannel::ALL.len());
}

#[test]
fn a_script_that_is_run_again_is_there_and_can_be_taken_over() {
    let mut all = Operators::default();
    let script = Origin::named(Way::Script, "anna".parse().unwrap());
    all.order(&script, LockOrder::Lock, &[LockChannel::Program], secs(0)).unwrap();
    assert_eq!(all.let_go(secs(10_000)), []);
    assert_eq!(all.order(&by("bo"), LockOrder::TakeOver, &[LockChannel::Program], secs(1)), Ok(vec![LockChannel::Program]));
}

#[test]
fn names_are_words_and_none_of_them_is_the_console() {
    for good in ["anna", "Anna.2", "replay-1", "Zoé", "x_"] {
        assert_eq!(good.parse::<OperatorName>().unwrap().as_str(), good);
    }
    for bad in ["", "two words", "console", "Console", "a/b", "a\nb", &"x".repeat(33)] {
        assert!(bad.parse::<OperatorName>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_flood_of_names_drives_no_holder_out() {
    let mut all = Operators::default();
    all.order(&by("anna"), LockOrder::Lock, &[LockChannel::Program], secs(0)).unwrap();
    for k in 0..1000 {
        all.hear(&by(&format!("n{k}")), secs(1));
    }
    assert_eq!(all.present(secs(1)).count(), MOST_OPERATORS);
    assert_eq!(all.holder(LockChannel::Program), by("anna").holder().as_ref());
    assert!(!all.is_away(&by("anna").holder().unwrap(), secs(9)));
}

#[derive(Debug, Clone)]
enum Does {
    Order(Origin, LockOrder, Vec<LockChannel>),
    Hear(Origin),
    Waits(u64),
}

fn origin() -> impl Strategy<Value = Origin> {
    let way = prop_oneof![Just(Way::Console), Just(Way::Surface), Just(Way::Script), Just(Way::Osc), Just(Way::Http)];
    let name = proptest::option::of(proptest::sample::select(&NAMES[..]));
    (way, name).prop_map(|(way, name)| Origin { way, operator: name.map(|n| n.parse().unwrap()) })
}

fn does() -> impl Strategy<Value = Does> {
    let order = prop_oneof![Just(LockOrder::Lock), Just(LockOrder::Unlock), Just(LockOrder::TakeOver)];
    let channels = proptest::sample::subsequence(LockChannel::ALL.to_vec(), 0..=LockChannel::ALL.len());
    prop_oneof![
        6 => (origin(), order, channels).prop_map(|(o, order, c)| Does::Order(o, order, c)),
        2 => origin().prop_map(Does::Hear),
        2 => (0_u64..40).prop_map(Does::Waits),
    ]
}

proptest! {
    /// No sequence leaves a lock without a holder who can be found, nor a channel that nobody can get at.
    #[test]
    fn no_sequence_leaves_a_lock_that_nobody_answers_for(steps in proptest::collection::vec(does(), 0..60)) {
        let (mut all, mut now) = (Operators::default(), Duration::ZERO);
        for step in steps {
            let before: Vec<_> = all.locks().map(|(c, l)| (c, l.clone())).collect();
            match step {
                Does::Order(origin, order, channels) => {
                    let got = all.order(&origin, order, &channels, now);
                    let after: Vec<_> = all.locks().map(|(c, l)| (c, l.clone())).collect();
                    match got {
                        // What is refused changes nothing.
                        Err(_) => prop_assert_eq!(&before, &after),
                        Ok(changed) => {
                            let own = origin.holder();
                            for (channel, lock) in &before {
                                let now_of = all.holder(*channel);
                                if now_of != Some(&lock.holder) {
                                    prop_assert!(changed.contains(channel) && channels.contains(channel));
                                    // Who is there loses a lock to nobody but the console, or by own will.
                                    let there = !all.is_away(&lock.holder, now);
                                    prop_assert!(!there || origin.is_console() || own.as_ref() == Some(&lock.holder));
                                }
                            }
                            if order != LockOrder::Unlock {
                                prop_assert!(channels.iter().all(|c| all.holder(*c) == own.as_ref()));
                            }
                        }
                    }
                }
                Does::Hear(origin) => all.hear(&origin, now),
                Does::Waits(s) => {
                    now += secs(s);
                    for (channel, name) in all.let_go(now) {
                        prop_assert!(before.iter().any(|(c, l)| *c == channel && l.holder == Holder::Operator(name.clone())));
                    }
                }
            }
            for (channel, lock) in all.locks() {
                prop_assert!(lock.since <= now);
                // Whoever holds it may, and is known by name.
                match &lock.holder {
                    Holder::Console => prop_assert_eq!(all.may(&Origin::default(), &[channel], now), Ok(())),
                    Holder::Operator(name) => {
                        prop_assert!(all.present(now).any(|p| p.name == *name));
                        prop_assert_eq!(all.may(&Origin::named(Way::Http, name.clone()), &[channel], now), Ok(()));
                    }
                }
            }
            // The console gets at everything, whoever holds it.
            let mut then = all.clone();
            then.order(&Origin::default(), LockOrder::TakeOver, &LockChannel::ALL, now).unwrap();
            prop_assert_eq!(then.may(&Origin::default(), &LockChannel::ALL, now), Ok(()));
            // Nothing stays locked by people who are gone.
            let mut later = all.clone();
            later.let_go(now + LEFT_AFTER);
            let stays = |h: &Holder| matches!(h, Holder::Operator(name) if !later.present(now).any(|p| p.name == *name));
            prop_assert!(!later.locks().any(|(_, l)| stays(&l.holder)));
        }
    }
}

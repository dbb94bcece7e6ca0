//! Program B in words: `b` before what program A understands as well, `b take`, `b camera 2`, `b output-add NAME ADDRESS`.

use super::{EXAMPLES, text_of_transition, transition};
use crate::engine::SecondOrder;

/// What follows `b`.
pub(super) fn order_of(text: &str) -> Option<SecondOrder> {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    Some(match name {
        "take" if rest.is_empty() => SecondOrder::Take,
        "roll" if rest.is_empty() => SecondOrder::Roll,
        "roll-on" if rest.is_empty() => SecondOrder::RollOn,
        "return" if rest.is_empty() => SecondOrder::Return,
        "camera" => SecondOrder::SelectCamera(rest.parse::<usize>().ok()?.checked_sub(1)?),
        "speed" => SecondOrder::SetSpeed(rest.parse().ok()?),
        "transition" => SecondOrder::SetTransition(transition(&rest.split_whitespace().collect::<Vec<_>>())?),
        "output-add" => {
            let (name, address) = rest.split_once(' ')?;
            SecondOrder::AddOutput { name: name.to_owned(), address: address.trim().parse().ok()? }
        }
        "output-remove" if !rest.is_empty() && !rest.contains(char::is_control) => SecondOrder::RemoveOutput(rest.to_owned()),
        _ => return None,
    })
}

/// The other way round.
pub(super) fn text_of(order: &SecondOrder) -> String {
    match order {
        SecondOrder::Take => "b take".to_owned(),
        SecondOrder::Roll => "b roll".to_owned(),
        SecondOrder::RollOn => "b roll-on".to_owned(),
        SecondOrder::Return => "b return".to_owned(),
        SecondOrder::SelectCamera(k) => format!("b camera {}", k + 1),
        SecondOrder::SetSpeed(percent) => format!("b speed {percent}"),
        SecondOrder::SetTransition(how) => format!("b transition {}", text_of_transition(*how)),
        // Its secrets are not written down: whoever runs it again has to put them in.
        SecondOrder::AddOutput { name, address } => format!("b output-add {name} {}", address.label()),
        SecondOrder::RemoveOutput(name) => format!("b output-remove {name}"),
    }
}

/// Why what follows `b` is nothing that program B does, with what it does.
pub(super) fn what_is_wrong(rest: &str) -> String {
    let name = rest.split(' ').next().unwrap_or_default();
    let known = || EXAMPLES.iter().filter_map(|e| e.strip_prefix("b "));
    match known().find(|example| example.split(' ').next() == Some(name)) {
        Some(example) if example.contains(' ') => format!("{rest:?} is no command of program B: write it like `b {example}`"),
        Some(_) => format!("{rest:?} is no command of program B: nothing follows {name}"),
        None => {
            let words: Vec<&str> = known().filter_map(|e| e.split(' ').next()).collect();
            format!("{name:?} is nothing that program B does; it has: {}. Say it without b for program A", words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{control::text, engine::Command, replay::playlist::Transition};

    #[test]
    fn what_is_said_of_b_is_read_again() {
        let orders = [
            SecondOrder::Take,
            SecondOrder::Roll,
            SecondOrder::RollOn,
            SecondOrder::Return,
            SecondOrder::SelectCamera(0),
            SecondOrder::SetSpeed(-33),
            SecondOrder::SetTransition(Transition::Cut),
            SecondOrder::SetTransition(Transition::Dissolve { secs: 0.5 }),
            SecondOrder::AddOutput { name: "web".to_owned(), address: "srt://h:7001".parse().unwrap() },
            SecondOrder::RemoveOutput("web".to_owned()),
        ];
        for order in orders.map(Command::Second) {
            let words = text::text_of(&order).unwrap();
            assert_eq!(text::command_of(&words), Some(order), "{words}");
        }
        for wrong in ["b", "b take 1", "b camera 0", "b camera", "b speed fast", "b output-add web", "b orbit-to 2"] {
            assert_eq!(text::command_of(wrong), None, "{wrong}");
        }
        let told = text::what_is_wrong("b play-list");
        assert!(told.contains("play-list") && told.contains("roll-on") && told.contains("without b"), "{told}");
        assert!(text::what_is_wrong("b camera").contains("b camera 2"));
    }
}

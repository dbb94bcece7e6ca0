//! A calibration in words: `calibrate start BOARD`, `floor`, `lenses FILE`, `finish`, `go-on`, `save`, `use`, `cancel`.

use crate::engine::CalibrateOrder;

/// What follows `calibrate`.
pub(super) fn order_of(text: &str) -> Option<CalibrateOrder> {
    Some(match text {
        "floor" => CalibrateOrder::Floor,
        "finish" => CalibrateOrder::Finish,
        "go-on" => CalibrateOrder::GoOn,
        "save" => CalibrateOrder::Save,
        "use" => CalibrateOrder::Use,
        "cancel" => CalibrateOrder::Cancel,
        other => {
            let (order, what) =
                other.split_once(' ').map(|(order, what)| (order, what.trim().to_owned())).filter(|(_, what)| !what.is_empty())?;
            match order {
                "start" => CalibrateOrder::Start(what),
                "lenses" => CalibrateOrder::Lenses(what),
                _ => return None,
            }
        }
    })
}

/// The other way round; `None` without a board, or a file.
pub(super) fn text_of(order: &CalibrateOrder) -> Option<String> {
    Some(match order {
        CalibrateOrder::Start(what) | CalibrateOrder::Lenses(what) if what.trim().is_empty() => return None,
        CalibrateOrder::Start(board) => format!("calibrate start {}", board.trim().replace(['#', '\n', '\r'], " ")),
        CalibrateOrder::Lenses(file) => format!("calibrate lenses {}", file.trim().replace(['#', '\n', '\r'], " ")),
        CalibrateOrder::Use => "calibrate use".to_owned(),
        CalibrateOrder::Floor => "calibrate floor".to_owned(),
        CalibrateOrder::Finish => "calibrate finish".to_owned(),
        CalibrateOrder::GoOn => "calibrate go-on".to_owned(),
        CalibrateOrder::Save => "calibrate save".to_owned(),
        CalibrateOrder::Cancel => "calibrate cancel".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{control::text, engine::Command};

    #[test]
    fn what_is_written_down_is_read_again() {
        let boards = ["chessboard:7x10:0.030", "/media/a/my board.toml", "charuco:7x10:0.03:0.022:4x4_100 back chessboard:7x10:0.03 0.005"];
        let others = [
            CalibrateOrder::Floor,
            CalibrateOrder::Lenses("/media/a/my lenses.json".to_owned()),
            CalibrateOrder::Finish,
            CalibrateOrder::GoOn,
            CalibrateOrder::Save,
            CalibrateOrder::Use,
            CalibrateOrder::Cancel,
        ];
        for order in boards.map(|b| CalibrateOrder::Start(b.to_owned())).into_iter().chain(others) {
            let command = Command::Calibrate(order);
            assert_eq!(text::text_of(&command).and_then(|words| text::command_of(&words)), Some(command));
        }
        assert_eq!(text_of(&CalibrateOrder::Start(" ".to_owned())), None);
        for wrong in ["calibrate", "calibrate start", "calibrate begin", "calibrate floor 3", "calibrate lenses", "calibrate use it"] {
            assert_eq!(text::command_of(wrong), None, "{wrong}");
        }
    }
}

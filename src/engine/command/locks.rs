//! Which channels of the show a command changes, so that it can be refused where another operator has locked one of them.
//!
//! Must not know: who asks, who holds what.

use super::{Command, SecondOrder};
use crate::replay::{
    EventId,
    operators::LockChannel::{self, Desk, Graphics, Outputs, Preview, Program, ProgramB, Rig},
};

/// What the state says about which channel is meant.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::engine) struct Situation {
    /// A replay is on program, or about to be.
    pub on_air: bool,
    /// Time runs on program by itself.
    pub program_rolls: bool,
    /// Time runs in preview.
    pub preview_rolls: bool,
    /// The event in preview.
    pub prepared: Option<EventId>,
    /// What undo would change, and redo.
    pub undo_redo: (Option<LockChannel>, Option<LockChannel>),
}

/// The channels that a command changes. RETURN to live and marks of the newest instant are everybody's: nothing may stand between a
/// replay and live, and what is not marked is lost (where preview is somebody else's, a mark is kept and not prepared).
pub(in crate::engine) fn channels(command: &Command, now: &Situation) -> &'static [LockChannel] {
    let of_change = |change: Option<LockChannel>| -> &'static [LockChannel] {
        match change {
            // It may take the prepared event away.
            Some(Desk) if now.prepared.is_some() => &[Desk, Preview],
            Some(Desk) => &[Desk],
            Some(Graphics) => &[Graphics],
            Some(Rig) => &[Rig],
            Some(Program | ProgramB | Preview | Outputs) | None => &[],
        }
    };
    match command {
        Command::Return if now.on_air => &[],
        Command::TBar { .. } if now.on_air => &[Program],
        Command::SetSpeed(_) | Command::StepSpeed(_) if now.program_rolls => &[Program, Preview],
        Command::Return
        | Command::MarkHere
        | Command::Slice(_)
        | Command::FreeBy { .. }
        | Command::FreeTo { .. }
        | Command::MoveOrbit(_)
        | Command::SetOrbit(_)
        | Command::StepCamera(_)
        | Command::JogFrames(_)
        | Command::JogTo(_)
        | Command::SelectEvent(_)
        | Command::NextEvent
        | Command::PreviousEvent
        | Command::SelectMove(_)
        | Command::NextMove
        | Command::Play
        | Command::Shuttle(_)
        | Command::ScrubPath(_)
        | Command::ToggleHeatMap
        | Command::TBar { .. }
        | Command::SetSpeed(_)
        | Command::StepSpeed(_) => &[Preview],
        Command::MarkIn | Command::MarkOut | Command::PickPivot { .. } => &[Desk, Preview],
        Command::RemoveEvent(id) if now.prepared == Some(*id) => &[Desk, Preview],
        Command::EditEvent(..)
        | Command::RemoveEvent(_)
        | Command::AddElement
        | Command::ApplyTemplate
        | Command::NextTemplate
        | Command::SaveTemplate(_)
        | Command::EditPlaylist(_)
        | Command::NewPath(_)
        | Command::NextPath
        | Command::EditPath(_) => &[Desk],
        Command::Undo => of_change(now.undo_redo.0),
        Command::Redo => of_change(now.undo_redo.1),
        Command::Take
        | Command::SelectCamera(_)
        | Command::SetTransition(_)
        | Command::NextTransition
        | Command::RollOn
        | Command::PlayList
        | Command::NextElement
        | Command::CleanFeed(_)
        | Command::GraphicsToAir => &[Program],
        Command::Second(order) => match order {
            // As RETURN on A: nothing may stand between a replay and live.
            SecondOrder::Return => &[],
            // Its roll leaves preview.
            SecondOrder::Take if now.preview_rolls => &[ProgramB, Preview],
            SecondOrder::AddOutput { .. } | SecondOrder::RemoveOutput(_) => &[Outputs],
            SecondOrder::Take
            | SecondOrder::Roll
            | SecondOrder::RollOn
            | SecondOrder::SelectCamera(_)
            | SecondOrder::SetSpeed(_)
            | SecondOrder::SetTransition(_) => &[ProgramB],
        },
        Command::ToggleRealPixels => &[Program, Preview],
        Command::EditGraphics(_) | Command::DrawGraphic { .. } | Command::DropGraphic => &[Graphics],
        Command::SetQuality(_)
        | Command::SetMatching(_)
        | Command::SetPlates(_)
        | Command::SetSlowMotion(_)
        | Command::SetShading(_)
        | Command::FitRig(_)
        | Command::TrimMatch { .. }
        | Command::SetRung { .. }
        | Command::NextRung
        | Command::Nudge { .. }
        | Command::SaveRig
        | Command::Calibrate(_) => &[Rig],
        // It begins where preview stands, and stops it there.
        Command::Export if now.preview_rolls => &[Outputs, Preview],
        Command::Export | Command::EditExports(..) | Command::AddOutput { .. } | Command::RemoveOutput(_) | Command::SetFreezeSound(_) => {
            &[Outputs]
        }
        // A mark is kept, and prepared where preview is free.
        Command::Mark
        | Command::LastFive
        | Command::LastTen
        | Command::Lock(..)
        | Command::Search
        | Command::Rename
        | Command::Palette
        | Command::PivotMode
        | Command::Graphics
        | Command::Controls
        | Command::SimpleLayout
        | Command::CalibratePage
        | Command::PathEditor
        | Command::ShowKeys
        | Command::FullScreenProgram => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        engine::CommandKind,
        replay::operators::{LockOrder, Operators, Origin, Way},
    };

    proptest! {
        /// Whatever is locked by whom, and whatever else goes on: from a replay anybody gets back to live, and anybody may mark.
        #[test]
        fn no_lock_stands_before_return_or_a_mark(
            locks in proptest::collection::vec((0_usize..4, 0_usize..LockChannel::ALL.len(), any::<bool>()), 0..20),
            (preview_rolls, program_rolls, prepared) in any::<(bool, bool, bool)>(),
        ) {
            let origins = [
                Origin::default(),
                Origin::named(Way::Http, "anna".parse().unwrap()),
                Origin::named(Way::Osc, "bo".parse().unwrap()),
                Origin::unnamed(Way::Osc),
            ];
            let mut operators = Operators::default();
            for (k, (who, channel, takes)) in locks.into_iter().enumerate() {
                let order = if takes { LockOrder::TakeOver } else { LockOrder::Lock };
                let _ = operators.order(&origins[who], order, &[LockChannel::ALL[channel]], Duration::from_secs(7 * k as u64));
            }
            let now = Situation {
                on_air: true,
                program_rolls,
                preview_rolls,
                prepared: prepared.then_some(EventId(1)),
                undo_redo: (Some(Desk), Some(Rig)),
            };
            for origin in &origins {
                for command in
                    [Command::Return, Command::Second(SecondOrder::Return), Command::Mark, Command::LastFive, Command::LastTen]
                {
                    prop_assert_eq!(operators.may(origin, channels(&command, &now), Duration::from_secs(200)), Ok(()));
                }
            }
        }
    }

    #[test]
    fn return_to_live_and_marks_belong_to_everybody() {
        let on_air = Situation { on_air: true, prepared: Some(EventId(1)), ..Situation::default() };
        for command in [Command::Return, Command::Mark, Command::LastFive, Command::LastTen] {
            assert_eq!(channels(&command, &on_air), [], "{command:?}");
        }
        // While nothing is on air it puts the preparation away.
        assert_eq!(channels(&Command::Return, &Situation::default()), [Preview]);
    }

    #[test]
    fn what_changes_the_show_belongs_to_a_channel() {
        let free = [
            CommandKind::Mark,
            CommandKind::ReturnB,
            CommandKind::LastFive,
            CommandKind::LastTen,
            CommandKind::Undo,
            CommandKind::Redo,
            CommandKind::PivotMode,
            CommandKind::Graphics,
            CommandKind::Search,
            CommandKind::Rename,
            CommandKind::CalibratePage,
            CommandKind::Controls,
            CommandKind::SimpleLayout,
            CommandKind::Lock,
            CommandKind::Unlock,
            CommandKind::TakeOver,
            CommandKind::PathEditor,
            CommandKind::ShowKeys,
            CommandKind::FullScreenProgram,
        ];
        for info in &CommandKind::ALL {
            let Some(command) = info.kind.by_name() else { continue };
            assert_eq!(channels(&command, &Situation::default()).is_empty(), free.contains(&info.kind), "{info:?}");
        }
        assert_eq!(channels(&Command::Undo, &Situation { undo_redo: (Some(Rig), None), ..Situation::default() }), [Rig]);
        let roll = Command::Second(SecondOrder::Roll);
        assert_eq!(
            (channels(&roll, &Situation::default()), channels(&Command::Take, &Situation::default())),
            (&[ProgramB][..], &[Program][..])
        );
        let rolls = Situation { preview_rolls: true, ..Situation::default() };
        assert_eq!(channels(&Command::Second(SecondOrder::Take), &rolls), [ProgramB, Preview]);
        let prepared = Situation { undo_redo: (None, Some(Desk)), prepared: Some(EventId(2)), ..Situation::default() };
        assert_eq!(channels(&Command::Redo, &prepared), [Desk, Preview]);
        assert_eq!(channels(&Command::RemoveEvent(EventId(2)), &prepared), [Desk, Preview]);
        assert_eq!(channels(&Command::RemoveEvent(EventId(3)), &prepared), [Desk]);
    }
}

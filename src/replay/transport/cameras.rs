//! The cameras as the transport knows them: which delivers, and where program goes when one does not.
//!
//! Must not know: pictures, why a camera is away.

use super::{Effect, Program, Transport};

impl Transport {
    /// The nearest delivering camera along the arc to `camera`.
    pub(super) fn nearest_alive(&self, camera: usize) -> Option<usize> {
        let n = self.arc_order.len();
        let at = self.arc_order.iter().position(|&c| c == camera)?;
        (0..n)
            .filter(|&k| self.is_alive(self.arc_order[k]))
            .min_by_key(|&k| {
                let straight = k.abs_diff(at);
                if self.closed { straight.min(n - straight) } else { straight }
            })
            .map(|k| self.arc_order[k])
    }

    /// The program that is live at the nearest delivering camera to `camera`, or holds where none delivers.
    pub(super) fn live_at(&self, camera: usize) -> Program {
        self.nearest_alive(camera).map_or(Program::Hold, |camera| Program::Live { camera })
    }

    pub(super) fn go_live(&mut self) -> Vec<Effect> {
        self.program = self.live_at(self.live_camera);
        if let Program::Live { camera } = self.program {
            self.live_camera = camera;
        }
        vec![Effect::Cut]
    }

    pub(super) fn camera_alive(&mut self, camera: usize, alive: bool) -> Vec<Effect> {
        let Some(slot) = self.alive.get_mut(camera) else { return vec![] };
        if *slot == alive {
            return vec![];
        }
        *slot = alive;
        let second = self.second_hears(camera, alive);
        let mut effects = self.first_hears(camera, alive);
        effects.extend(second);
        effects
    }

    fn first_hears(&mut self, camera: usize, alive: bool) -> Vec<Effect> {
        if alive {
            return if self.program == Program::Hold { self.go_live() } else { vec![] };
        }
        let name = self.names[camera].clone();
        if self.program == (Program::Live { camera }) {
            let mut effects = self.go_live();
            effects.push(Effect::Warn(match self.program {
                Program::Live { camera: next } => {
                    format!("{name} delivers no pictures: program went to {}. Check its cable and power", self.names[next])
                }
                _ => format!("{name} was the last camera: program holds its last picture. Check the network and the cameras"),
            }));
            return effects;
        }
        vec![Effect::Warn(format!("{name} delivers no pictures. Check its cable and power"))]
    }
}

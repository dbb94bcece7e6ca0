//! Requests of a console to a node, and their answers: many at once under way, each with its own end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;

use crate::link::{Header, LinkError, Message, UnitHead};
use crate::ring::{AccessUnit, UnitFlags};
use crate::time::MediaTime;

/// How long a moment may wait for a node that is there.
const MOMENT_WITHIN: Duration = Duration::from_secs(3);
/// And a range.
const RANGE_WITHIN: Duration = Duration::from_secs(6);
/// Answers under way hold no more than this together.
const UNDER_WAY_BYTES: usize = 512 << 20;
/// Requests under way.
const UNDER_WAY: usize = 1024;

/// Units as they came, before their times and formats are the console's.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub units: Vec<(UnitHead, Bytes)>,
    pub notes: Vec<String>,
}

/// A request that is under way.
#[derive(Debug)]
pub struct Asked {
    pub(super) camera: usize,
    answer: Result<Receiver<Result<Answer, String>>, String>,
    deadline: Instant,
    id: u64,
}

#[derive(Debug)]
struct Waiting {
    answer: Answer,
    to: Sender<Result<Answer, String>>,
}

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Requests {
    next: AtomicU64,
    waiting: Mutex<(BTreeMap<u64, Waiting>, usize)>,
}

impl Requests {
    /// Sends a request for what a moment needs, or for a range.
    pub fn ask(&self, camera: usize, to: Result<Sender<Header>, String>, make: impl FnOnce(u64) -> Header) -> Asked {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let header = make(id);
        let within = if matches!(header, Header::WantRange { .. }) { RANGE_WITHIN } else { MOMENT_WITHIN };
        let deadline = Instant::now() + within;
        let (done, answer) = bounded(1);
        let sent = to.and_then(|to| {
            let mut waiting = self.waiting.lock();
            if waiting.0.len() >= UNDER_WAY {
                return Err("too much is asked of the node at once".to_owned());
            }
            waiting.0.insert(id, Waiting { answer: Answer::default(), to: done });
            drop(waiting);
            to.try_send(header).map_err(|_full| {
                self.remove(id);
                "the way to the node is blocked".to_owned()
            })
        });
        Asked { camera, answer: sent.map(|()| answer), deadline, id }
    }

    /// Waits for the answer until its deadline.
    pub fn wait(&self, asked: &Asked) -> Result<Answer, String> {
        let answer = asked.answer.as_ref().map_err(Clone::clone)?;
        answer.recv_deadline(asked.deadline).unwrap_or_else(|e| {
            self.remove(asked.id);
            Err(match e {
                RecvTimeoutError::Timeout => "it did not answer in time; the way to it is too slow or broken".to_owned(),
                RecvTimeoutError::Disconnected => "the connection broke".to_owned(),
            })
        })
    }

    fn remove(&self, id: u64) -> Option<Waiting> {
        let mut waiting = self.waiting.lock();
        let gone = waiting.0.remove(&id)?;
        waiting.1 -= gone.answer.units.iter().map(|(_, b)| b.len()).sum::<usize>();
        Some(gone)
    }

    /// Something came on the connection for requests. Answers that nobody waits for any more are passed over.
    pub fn came(&self, message: Message) -> Result<(), LinkError> {
        match message.header {
            Header::Units { id, units, notes, last } => {
                let pieces = cut(&units, &message.payload)?;
                let mut waiting = self.waiting.lock();
                let (requests, under_way) = &mut *waiting;
                if *under_way + message.payload.len() > UNDER_WAY_BYTES {
                    return Err(LinkError::Malformed { reason: "the answers are longer than any are".to_owned() });
                }
                let Some(request) = requests.get_mut(&id) else { return Ok(()) };
                *under_way += message.payload.len();
                request.answer.units.extend(units.into_iter().zip(pieces));
                request.answer.notes.extend(notes);
                drop(waiting);
                if last && let Some(whole) = self.remove(id) {
                    whole.to.try_send(Ok(whole.answer)).ok();
                }
                Ok(())
            }
            Header::Failed { id, why } => {
                if let Some(request) = self.remove(id) {
                    request.to.try_send(Err(why)).ok();
                }
                Ok(())
            }
            _ => Err(LinkError::Malformed { reason: "a node does not answer this".to_owned() }),
        }
    }

    /// The connection broke: nobody waits any longer.
    pub fn fail_all(&self) {
        let gone = std::mem::take(&mut *self.waiting.lock());
        drop(gone);
    }
}

/// The payload of several units, one each.
fn cut(units: &[UnitHead], payload: &Bytes) -> Result<Vec<Bytes>, LinkError> {
    let mut rest = payload.clone();
    let mut pieces = Vec::new();
    for unit in units {
        if unit.len as usize > rest.len() {
            return Err(LinkError::Malformed { reason: "units are longer than what came".to_owned() });
        }
        pieces.push(rest.split_to(unit.len as usize));
    }
    if rest.is_empty() { Ok(pieces) } else { Err(LinkError::Malformed { reason: "more came than units".to_owned() }) }
}

/// A unit of the console's session.
pub(super) fn unit(head: &UnitHead, payload: Bytes, pts: MediaTime, format: u16, order_base: u64) -> AccessUnit {
    AccessUnit {
        pts,
        order: order_base.wrapping_add(head.order),
        duration_nanos: head.nanos,
        format,
        keyframe: head.key,
        droppable: head.droppable,
        flags: UnitFlags { duplicated: head.flags & 1 != 0, late: head.flags & 2 != 0, damaged: head.flags & 4 != 0 },
        payload,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(len: u32) -> UnitHead {
        UnitHead { at: 0, order: 0, nanos: 0, format: 0, key: true, droppable: false, flags: 0, len }
    }

    fn units(id: u64, lens: &[u32], last: bool) -> Message {
        let payload = vec![1; lens.iter().sum::<u32>() as usize].into();
        Message { header: Header::Units { id, units: lens.iter().map(|l| head(*l)).collect(), notes: vec!["n".to_owned()], last }, payload }
    }

    #[test]
    fn answers_come_in_parts_and_to_the_one_who_asked() {
        let requests = Requests::default();
        let (to, sent) = bounded(4);
        let ask = || requests.ask(0, Ok(to.clone()), |id| Header::WantGop { id, camera: 0, at: 5 });
        let (first, second) = (ask(), ask());
        assert_eq!(sent.len(), 2);
        requests.came(units(1, &[3, 4], false)).unwrap();
        requests.came(Message::new(Header::Failed { id: 0, why: "no".to_owned() })).unwrap();
        requests.came(units(1, &[5], true)).unwrap();
        assert_eq!(requests.wait(&first).unwrap_err(), "no");
        let lens: Vec<usize> = requests.wait(&second).unwrap().units.iter().map(|(_, b)| b.len()).collect();
        assert_eq!(lens, [3, 4, 5]);
        assert_eq!(requests.waiting.lock().1, 0);
        let third = ask();
        requests.fail_all();
        assert!(requests.wait(&third).unwrap_err().contains("broke"));
        let away = requests.ask(0, Err("away".to_owned()), |id| Header::WantGop { id, camera: 0, at: 5 });
        assert_eq!(requests.wait(&away).unwrap_err(), "away");
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(ids in prop::collection::vec((0_u64..4, prop::collection::vec(0_u32..50, 0..5), any::<bool>(), 0_usize..60), 0..20)) {
            let requests = Requests::default();
            let (to, _sent) = bounded(8);
            let asked: Vec<Asked> = (0..3).map(|_| requests.ask(0, Ok(to.clone()), |id| Header::WantGop { id, camera: 0, at: 0 })).collect();
            for (id, lens, last, bytes) in ids {
                let mut message = units(id, &lens, last);
                message.payload = vec![0; bytes].into();
                let fits = lens.iter().sum::<u32>() as usize == bytes;
                prop_assert_eq!(requests.came(message).is_ok(), fits);
            }
            requests.fail_all();
            prop_assert_eq!(requests.waiting.lock().1, 0);
            for a in &asked {
                let _ = requests.wait(a);
            }
        }
    }
}

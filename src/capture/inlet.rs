//! Where a feed's pipeline ends: one pad that hands every coded picture over, in the streaming thread that brings it.
//!
//! A sink of GStreamer's would make a sample of each, queue it, wake a reader, and keep the last one; and it would hold everything up until its first picture
//! came. Nothing of that is wanted here, and it costs as much as all that is.
//!
//! Must not know: what is done with the pictures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use gst::prelude::{Cast as _, ElementExt as _, PadExt as _};
use parking_lot::Mutex;

use super::error::CaptureError;

/// One coded picture, and what the stream has said of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub buffer: &'a gst::BufferRef,
    pub caps: Option<&'a gst::Caps>,
    segment: Option<&'a gst::FormattedSegment<gst::ClockTime>>,
}

impl Incoming<'_> {
    /// Running time of a time of the stream, nanoseconds; negative before its beginning.
    pub(super) fn running_nanos(&self, time: Option<gst::ClockTime>) -> Option<i64> {
        running_nanos(self.segment?, time?)
    }
}

/// Running time of a time in a segment, nanoseconds; negative before its beginning.
pub(super) fn running_nanos(segment: &gst::FormattedSegment<gst::ClockTime>, time: gst::ClockTime) -> Option<i64> {
    match segment.to_running_time_full(time)? {
        gst::Signed::Positive(t) => Some(t.nseconds() as i64),
        gst::Signed::Negative(t) => Some(-(t.nseconds() as i64)),
    }
}

/// Whatever a stranger's stream does to this end of it, its feed alone fails: a panic out of a pad's function would end the program.
fn contained<T>(pad: &gst::Pad, run: impl FnOnce() -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(run));
    if result.is_err()
        && let Some(element) = pad.parent_element()
    {
        gst::element_error!(element, gst::CoreError::Failed, ("the end of its pipeline broke"));
    }
    result.ok()
}

#[derive(Debug, Default)]
struct Said {
    caps: Option<gst::Caps>,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
}

/// The element, and what it asks of those before it.
#[derive(Debug, Clone)]
pub(super) struct Inlet {
    element: gst::Element,
    pad: gst::Pad,
    asked: Arc<Mutex<Option<gst::Caps>>>,
}

impl Inlet {
    /// `take` gets every picture, `at_end` is called when no more will come. Both run in the streaming thread.
    pub(super) fn new(
        take: impl Fn(Incoming<'_>) -> Result<gst::FlowSuccess, gst::FlowError> + Send + Sync + 'static,
        at_end: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, CaptureError> {
        // Serialized events and pictures come in the same thread: only it ever locks this.
        let said: Arc<Mutex<Said>> = Arc::default();
        let told = Arc::clone(&said);
        let asked: Arc<Mutex<Option<gst::Caps>>> = Arc::default();
        let wish = Arc::clone(&asked);
        let pad = gst::Pad::builder(gst::PadDirection::Sink)
            .name("sink")
            .chain_function(move |pad, _, buffer| {
                let said = said.lock();
                let incoming = Incoming { buffer: &buffer, caps: said.caps.as_ref(), segment: said.segment.as_ref() };
                contained(pad, || take(incoming)).unwrap_or(Err(gst::FlowError::Error))
            })
            .event_function(move |pad, _, event| {
                match event.view() {
                    gst::EventView::Caps(caps) => told.lock().caps = Some(caps.caps_owned()),
                    gst::EventView::Segment(segment) => told.lock().segment = segment.segment().downcast_ref().cloned(),
                    gst::EventView::Eos(_) => {
                        contained(pad, &at_end);
                    }
                    _ => {}
                }
                true
            })
            .query_function(move |pad, parent, query| match query.view_mut() {
                // Without this word it would take nothing but what it has had.
                gst::QueryViewMut::Caps(caps) => {
                    let wish = wish.lock().clone().unwrap_or_else(gst::Caps::new_any);
                    let result = caps.filter_owned().map_or_else(|| wish.clone(), |filter| wish.intersect(&filter));
                    caps.set_result(&result);
                    true
                }
                gst::QueryViewMut::AcceptCaps(accepts) => {
                    accepts.set_result(true);
                    true
                }
                _ => gst::Pad::query_default(pad, parent, query),
            })
            .build();
        // A bin is the plainest element that takes any pad.
        let bin = gst::Bin::new();
        bin.add_pad(&pad).map_err(|e| CaptureError::Init { reason: format!("a pipeline's end cannot be built: {e}") })?;
        Ok(Self { element: bin.upcast(), pad, asked })
    }

    /// What it is to be given, where those before it have a choice.
    pub(super) fn ask_for(&self, caps: gst::Caps) {
        *self.asked.lock() = Some(caps);
    }

    /// To be linked.
    pub(super) const fn element(&self) -> &gst::Element {
        &self.element
    }

    /// For what is asked of the stream from its end: where it is to begin again, how long it is.
    pub(super) const fn pad(&self) -> &gst::Pad {
        &self.pad
    }
}

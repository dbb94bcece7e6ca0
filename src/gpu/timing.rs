//! GPU timestamps per named stage.

use super::{Gpu, GpuError};
use crate::telemetry::StageTimes;

const CAPACITY: u32 = 512;

/// Collects GPU timestamps between named stages of one or more submissions; a no-op where the adapter has none.
#[derive(Debug)]
pub struct Timer {
    set: Option<wgpu::QuerySet>,
    names: Vec<String>,
}

impl Timer {
    /// A new timer.
    pub fn new(gpu: &Gpu) -> Self {
        let set = gpu.has_timestamps.then(|| {
            gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("stages"),
                ty: wgpu::QueryType::Timestamp,
                count: CAPACITY,
            })
        });
        Self { set, names: Vec::new() }
    }

    /// Marks the beginning of `stage`; it ends at the next mark. Marks beyond the capacity are dropped.
    pub fn mark(&mut self, encoder: &mut wgpu::CommandEncoder, stage: &str) {
        if let Some(set) = &self.set
            && (self.names.len() as u32) < CAPACITY
        {
            encoder.write_timestamp(set, self.names.len() as u32);
            self.names.push(stage.to_owned());
        }
    }

    /// Reads the marks back; stages named "" are gaps and left out. Forgets the marks.
    pub fn collect(&mut self, gpu: &Gpu) -> Result<StageTimes, GpuError> {
        let mut times = StageTimes::default();
        let Some(set) = &self.set else { return Ok(times) };
        let n = self.names.len() as u32;
        if n < 2 {
            self.names.clear();
            return Ok(times);
        }
        let resolved = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("timestamps"),
            size: u64::from(n) * 8,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("timestamps") });
        encoder.resolve_query_set(set, 0..n, &resolved, 0);
        gpu.queue.submit([encoder.finish()]);
        let bytes = gpu.read_buffer(&resolved)?;
        let ticks: Vec<u64> = bytes.chunks_exact(8).map(|c| u64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]])).collect();
        let period_secs = f64::from(gpu.queue.get_timestamp_period()) * 1e-9;
        for (k, pair) in ticks.windows(2).enumerate() {
            if !self.names[k].is_empty() {
                times.add(&self.names[k], pair[1].saturating_sub(pair[0]) as f64 * period_secs);
            }
        }
        self.names.clear();
        Ok(times)
    }
}

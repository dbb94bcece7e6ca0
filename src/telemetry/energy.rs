//! What the machine takes: Linux' `powercap` counters (Intel and AMD processors' RAPL).
//!
//! Each package's `energy_uj` grows up to `max_energy_range_uj` and begins again. Whoever cannot read them is told why, and that it is "not
//! available": no figure is guessed. A GPU's own draw is not in them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use parking_lot::Mutex;

/// Where Linux keeps the counters.
const POWERCAP: &str = "/sys/class/powercap";
/// Watts are over so long at least, seconds.
const WINDOW_SECS: f64 = 1.0;

#[derive(Debug)]
struct Zone {
    file: PathBuf,
    range_uj: u64,
    last_uj: u64,
}

#[derive(Debug)]
struct Zones {
    packages: Vec<Zone>,
    begun: Instant,
    joules: f64,
}

/// What was taken since the meter began.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Energy {
    /// Joules; absent where they are not available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joules: Option<f64>,
    /// On average, watts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watts: Option<f64>,
    /// Where that is from, or why it is not available.
    pub source: String,
}

/// Counts energy from its beginning on. Clones count together.
#[derive(Debug, Clone)]
pub struct EnergyMeter {
    zones: Result<Arc<Mutex<Zones>>, String>,
}

impl Default for EnergyMeter {
    fn default() -> Self {
        Self::of(Path::new(POWERCAP))
    }
}

impl PartialEq for EnergyMeter {
    /// Meters are no part of what is described.
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

fn number(file: &Path) -> Result<u64, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    text.trim().parse().map_err(|_e| format!("{} holds no number", file.display()))
}

impl EnergyMeter {
    /// The packages under another folder than [`POWERCAP`], for tests.
    fn of(folder: &Path) -> Self {
        Self { zones: zones(folder).map(|zones| Arc::new(Mutex::new(Zones { packages: zones, begun: Instant::now(), joules: 0.0 }))) }
    }

    /// Reads the counters, so that none begins again unseen (they do within minutes): for whoever works for long. Cheap.
    pub fn look(&self) {
        if self.zones.is_ok() {
            self.energy();
        }
    }

    /// What was taken since the beginning. Who does not ask every minute must [`EnergyMeter::look`].
    pub fn energy(&self) -> Energy {
        let zones = match &self.zones {
            Ok(zones) => zones,
            Err(why) => return Energy { source: format!("not available: {why}"), ..Energy::default() },
        };
        let mut zones = zones.lock();
        let Zones { packages: all, joules, begun } = &mut *zones;
        for zone in all.iter_mut() {
            let now = match number(&zone.file) {
                Ok(now) => now,
                Err(why) => return Energy { source: format!("not available: {why}"), ..Energy::default() },
            };
            let grown = if now >= zone.last_uj { now - zone.last_uj } else { now + zone.range_uj.saturating_sub(zone.last_uj) };
            zone.last_uj = now;
            *joules += grown as f64 * 1e-6;
        }
        let secs = begun.elapsed().as_secs_f64();
        Energy {
            joules: Some(*joules),
            watts: (secs > 0.0).then(|| *joules / secs),
            source: format!("RAPL, {} processor package{}, everything that ran", all.len(), if all.len() == 1 { "" } else { "s" }),
        }
    }
}

/// The packages, without their parts (which they include).
fn zones(folder: &Path) -> Result<Vec<Zone>, String> {
    let listed = std::fs::read_dir(folder).map_err(|_e| "this system has no powercap counters".to_owned())?;
    let mut files: Vec<PathBuf> = listed
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_package = name.split_once(':').is_some_and(|(kind, rest)| kind == "intel-rapl" && !rest.contains(':'));
            let label = std::fs::read_to_string(entry.path().join("name")).unwrap_or_default();
            (is_package && label.starts_with("package")).then(|| entry.path())
        })
        .collect();
    files.sort();
    if files.is_empty() {
        return Err("this system has no powercap counters of a processor".to_owned());
    }
    let zone = |path: PathBuf| {
        let file = path.join("energy_uj");
        Ok(Zone {
            last_uj: number(&file).map_err(|e| format!("{e}. Let this user read it"))?,
            range_uj: number(&path.join("max_energy_range_uj"))?,
            file,
        })
    };
    files.into_iter().map(zone).collect()
}

/// Watts now, for whoever looks often.
#[derive(Debug, Default)]
pub struct PowerMeter {
    meter: EnergyMeter,
    before: Option<(Instant, f64)>,
    watts: Option<f64>,
}

impl PowerMeter {
    /// Over the last second or so; `None` where it is not available, and at first. Cheap.
    pub fn watts(&mut self) -> Option<f64> {
        let elapsed = self.before.map(|(at, _)| at.elapsed().as_secs_f64());
        if self.meter.zones.is_ok() && elapsed.is_none_or(|secs| secs >= WINDOW_SECS) {
            let joules = self.meter.energy().joules;
            self.watts = self.before.zip(joules).zip(elapsed).map(|(((_, before), now), secs)| (now - before) / secs);
            self.before = joules.map(|now| (Instant::now(), now));
        }
        self.watts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, label: &str, uj: u64) {
        let zone = folder.join(name);
        std::fs::create_dir_all(&zone).unwrap();
        for (file, text) in [("name", label.to_owned()), ("energy_uj", uj.to_string()), ("max_energy_range_uj", "1000000".to_owned())] {
            std::fs::write(zone.join(file), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn packages_are_counted_once_and_over_the_end_of_their_range() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "intel-rapl:0", "package-0", 900_000);
        write(folder.path(), "intel-rapl:1", "package-1", 0);
        write(folder.path(), "intel-rapl:0:0", "core", 500_000);
        write(folder.path(), "intel-rapl-mmio:0", "package-0", 7);
        let meter = EnergyMeter::of(folder.path());
        write(folder.path(), "intel-rapl:0", "package-0", 150_000);
        write(folder.path(), "intel-rapl:1", "package-1", 500_000);
        let taken = meter.clone().energy();
        assert!(taken.joules.is_some_and(|j| (j - 0.75).abs() < 1e-9) && taken.watts.is_some(), "{taken:?}");
        assert!(taken.source.contains("2 processor packages"), "{taken:?}");
        std::fs::remove_file(folder.path().join("intel-rapl:1/energy_uj")).unwrap();
        assert!(meter.energy().joules.is_none() && meter.energy().source.starts_with("not available: "));
    }

    #[test]
    fn whoever_looks_in_between_misses_no_new_beginning() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "intel-rapl:0", "package-0", 0);
        let meter = EnergyMeter::of(folder.path());
        // Five joules on a counter of one: at the end it says what it said at first.
        for tenth in 1..=50_u64 {
            write(folder.path(), "intel-rapl:0", "package-0", tenth * 100_000 % 1_000_000);
            meter.look();
        }
        assert!(meter.energy().joules.is_some_and(|j| (j - 5.0).abs() < 1e-9), "{:?}", meter.energy());
    }

    #[test]
    fn where_there_are_none_that_is_said() {
        let nothing = EnergyMeter::of(Path::new("/no/such/folder")).energy();
        assert_eq!((nothing.joules, nothing.watts), (None, None));
        assert!(nothing.source.starts_with("not available: "), "{nothing:?}");
    }
}

//! Faults as a person asks for them: `cam04:dies=5s,noise=2`, `all:drop=0.02`.

use std::str::FromStr;

use super::faults::{FaultError, Faults};

/// Faults asked for one camera or for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRequest {
    /// Name of the camera; `None` = every camera.
    camera: Option<String>,
    /// The list of faults: it has been read once and is known to be right.
    list: String,
}

impl FromStr for FaultRequest {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let form = || FaultError::Form(text.to_owned());
        let (camera, list) = text.split_once(':').ok_or_else(form)?;
        let (camera, list) = (camera.trim(), list.trim());
        if camera.is_empty() || list.is_empty() {
            return Err(form());
        }
        list.parse::<Faults>()?;
        let camera = (camera != "*" && !camera.eq_ignore_ascii_case("all")).then(|| camera.to_owned());
        Ok(Self { camera, list: list.to_owned() })
    }
}

impl FaultRequest {
    /// The same as text would say: this camera dies at that time.
    pub fn death(camera: &str, secs: f64) -> Self {
        Self { camera: Some(camera.to_owned()), list: format!("dies={secs}s") }
    }

    /// The faults of each of the named cameras. What is asked later adds to what was asked before and wins where both speak of
    /// one fault. Every camera has its own sequence of chances, unless `seed` is asked for.
    pub fn resolve(requests: &[Self], cameras: &[&str]) -> Result<Vec<Faults>, FaultError> {
        for camera in requests.iter().filter_map(|r| r.camera.as_deref()) {
            if !cameras.contains(&camera) {
                let known = match cameras {
                    [first, .., last] if cameras.len() > 6 => format!("{first} to {last}"),
                    _ => cameras.join(", "),
                };
                return Err(FaultError::Camera { camera: camera.to_owned(), known });
            }
        }
        cameras
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let own = requests.iter().filter(|r| r.camera.as_deref().is_none_or(|c| c == *name)).map(|r| r.list.as_str());
                let lists: Vec<&str> = own.collect();
                format!("seed={},{}", i + 1, lists.join(",")).parse()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MediaTime;

    fn request(text: &str) -> FaultRequest {
        text.parse().unwrap()
    }

    #[test]
    fn requests_add_up_camera_by_camera() {
        let asked = [request("all:noise=2,drop=0.1"), request("cam01: dies=5s"), request("*:kelvin=4300"), request("cam01:noise=3")];
        let faults = FaultRequest::resolve(&asked, &["cam00", "cam01"]).unwrap();
        assert_eq!((faults[0].noise_sigma, faults[0].dies_at), (2.0, None));
        assert_eq!((faults[1].noise_sigma, faults[1].dies_at), (3.0, Some(MediaTime::from_secs_f64(5.0))));
        assert!(faults.iter().all(|f| f.gains != [1.0; 3] && f.drop_share == 0.1));
        // Cameras do not lose the same frames.
        assert!((0..100).any(|i| faults[0].fate(i) != faults[1].fate(i)));
        let seeded = FaultRequest::resolve(&[request("all:seed=7,drop=0.1")], &["a", "b"]).unwrap();
        assert_eq!(seeded[0], seeded[1]);
        let death = FaultRequest::resolve(&[FaultRequest::death("b", 2.5)], &["a", "b"]).unwrap();
        assert_eq!(death[1].dies_at, Some(MediaTime::from_secs_f64(2.5)));
    }

    #[test]
    fn what_is_wrong_is_named_with_the_remedy() {
        for text in ["cam04", "dies=5s", ":dies=5s", "cam04:", "cam04:dies=soon", "cam04:hiccups=3", "all:drop=2"] {
            let told = text.parse::<FaultRequest>().unwrap_err().to_string();
            let named = text.split_once(':').map_or(text, |(_, list)| list);
            assert!(told.contains(named) && told.contains('='), "{text}: {told}");
        }
        let told = FaultRequest::resolve(&[request("cam09:dies=5s")], &["cam00", "cam01"]).unwrap_err().to_string();
        assert!(told.contains("cam09") && told.contains("cam00, cam01"), "{told}");
    }
}

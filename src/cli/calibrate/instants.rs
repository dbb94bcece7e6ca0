//! Which pictures of folders of cameras are one instant.

use std::collections::{BTreeMap, HashMap};

/// By what pictures were paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Their names, whatever the case.
    Name,
    /// The last numbers in their names.
    Number,
    /// Their places in the order of the names: nothing else was left.
    Place,
}

/// The pictures of cameras, sorted into instants.
#[derive(Debug, PartialEq, Eq)]
pub struct Instants {
    /// Per instant, in order: which of its pictures each camera has, if any.
    pub pictures: Vec<Vec<Option<usize>>>,
    /// What tells the instants.
    pub by: By,
}

/// A camera and what its pictures are called, without extensions and each once, sorted.
pub type Named = (String, Vec<String>);

/// So many whole names in common are no chance.
const SURE_NAMES: usize = 3;

/// Sorted as instants are: what has a number first, by it.
type Key = (bool, usize, String);

impl Instants {
    /// Pairs pictures by their names; where these are the cameras' own, by the last numbers in them; where these differ too, by their places in folders of
    /// equally many. The error says what cannot be told and the remedy.
    pub fn of(cameras: &[Named]) -> Result<Self, String> {
        let filled: Vec<&Named> = cameras.iter().filter(|c| !c.1.is_empty()).collect();
        let mut most_alike = vec![0; filled.len()];
        for (by, key) in [(By::Name, name as fn(&str, &str) -> Key), (By::Number, number)] {
            let Some(alike) = alike(&filled, key) else { continue };
            // Whole names are no chance: a camera may have many pictures more, for its lens alone. Numbers are counters, too.
            let is_enough = |n: usize, all: usize| 2 * n >= all || by == By::Name && n >= SURE_NAMES;
            if filled.len() < 2 || alike.iter().zip(&filled).all(|(n, c)| is_enough(*n, c.1.len())) {
                return Ok(Self { pictures: paired(cameras, |camera, _, picture| key(camera, picture)), by });
            }
            most_alike.iter_mut().zip(alike).for_each(|(most, n)| *most = n.max(*most));
        }
        let least = (0..filled.len()).min_by(|&a, &b| {
            let share = |i: usize| most_alike[i] as f64 / filled[i].1.len() as f64;
            share(a).total_cmp(&share(b))
        });
        let odd = least.and_then(|i| Some((i, filled.iter().find(|c| c.1.len() != filled[i].1.len())?)));
        let Some((i, (other, theirs))) = odd else {
            return Ok(Self { pictures: paired(cameras, |_, place, _| (false, place, String::new())), by: By::Place });
        };
        let (camera, own) = filled[i];
        Err(format!(
            "--per-camera: {camera} has {} pictures (with the name or number of another camera's: {}), {other} has {}: which were taken at one instant \
             cannot be told. Name the pictures of one instant alike in all folders (0001.png in each), and take out those that one camera alone has",
            own.len(),
            most_alike[i],
            theirs.len()
        ))
    }

    /// What was paired by what, and which cameras lack pictures.
    pub fn told(&self, cameras: &[&str]) -> String {
        let by = match self.by {
            By::Name => "by the names of the pictures",
            By::Number => "by the last numbers in the names of the pictures",
            By::Place => "by the order of the pictures",
        };
        let lacks = |(i, camera): (usize, &&str)| {
            let n = self.pictures.iter().filter(|m| m[i].is_none()).count();
            (n > 0).then(|| format!("{camera} {n}"))
        };
        let lacking: Vec<String> = cameras.iter().enumerate().filter_map(lacks).collect();
        let lacking = if lacking.is_empty() { String::new() } else { format!("; pictures missing: {}", lacking.join(", ")) };
        format!("{} instants {by}{lacking}", self.pictures.len())
    }

    /// What may be wrong with that.
    pub fn warning(&self) -> Option<String> {
        (self.by == By::Place).then(|| {
            "too few pictures have a name or number in common with another camera's: the first of each folder count as one instant, and so on. Where one is \
             missing, all after it are wrong: name the pictures of one instant alike in all folders (0001.png in each)"
                .into()
        })
    }
}

fn name(_: &str, picture: &str) -> Key {
    (false, 0, picture.to_lowercase())
}

/// The last number in a name, not that of the camera which it may begin with; of any length, zeros before it do not count.
fn number(camera: &str, picture: &str) -> Key {
    let own = picture.rsplit('/').next().unwrap_or(picture);
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let own = match (own.get(..camera.len()), own.get(camera.len()..)) {
        // A camera called 1 has a picture 12.
        (_, Some(rest)) if is_digit(camera.chars().last()) && (rest.is_empty() || is_digit(rest.chars().next())) => own,
        (Some(begin), Some(rest)) if begin.eq_ignore_ascii_case(camera) => rest,
        _ => own,
    };
    let until = own.trim_end_matches(|c: char| !c.is_ascii_digit());
    let digits = &until[until.trim_end_matches(|c: char| c.is_ascii_digit()).len()..];
    if digits.is_empty() {
        return (true, 0, picture.to_lowercase());
    }
    let digits = digits.trim_start_matches('0');
    (false, digits.len(), digits.into())
}

/// How many pictures of each camera have a partner in another; `None` where two pictures of one camera would be one instant.
fn alike(cameras: &[&Named], key: fn(&str, &str) -> Key) -> Option<Vec<usize>> {
    let keys: Vec<Vec<Key>> = cameras.iter().map(|c| c.1.iter().map(|p| key(&c.0, p)).collect()).collect();
    let mut having: HashMap<&Key, (usize, usize)> = HashMap::new();
    for (i, of_camera) in keys.iter().enumerate() {
        for k in of_camera {
            let (last, n) = having.entry(k).or_insert((usize::MAX, 0));
            if *last == i {
                return None;
            }
            (*last, *n) = (i, *n + 1);
        }
    }
    Some(keys.iter().map(|of_camera| of_camera.iter().filter(|k| having[k].1 > 1).count()).collect())
}

fn paired(cameras: &[Named], key: impl Fn(&str, usize, &str) -> Key) -> Vec<Vec<Option<usize>>> {
    let mut instants: BTreeMap<Key, Vec<Option<usize>>> = BTreeMap::new();
    for (i, (camera, pictures)) in cameras.iter().enumerate() {
        for (k, picture) in pictures.iter().enumerate() {
            instants.entry(key(camera, k, picture)).or_insert_with(|| vec![None; cameras.len()])[i] = Some(k);
        }
    }
    instants.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cameras: &[&[&str]]) -> Result<Instants, String> {
        let named = |(i, pictures): (usize, &&[&str])| (format!("cam{}", i + 1), pictures.iter().map(|p| (*p).to_owned()).collect());
        Instants::of(&cameras.iter().enumerate().map(named).collect::<Vec<Named>>())
    }

    #[test]
    fn a_missing_picture_moves_no_other() {
        let found = of(&[&["0001", "0002", "0003", "0004"], &["0001", "0003", "0004"], &["0001", "0002", "0003", "0004"]]).unwrap();
        assert_eq!(found.by, By::Name);
        let expected = [[Some(0), Some(0), Some(0)], [Some(1), None, Some(1)], [Some(2), Some(1), Some(2)], [Some(3), Some(2), Some(3)]];
        assert_eq!(found.pictures, expected);
        assert_eq!(found.told(&["cam1", "cam2", "cam3"]), "4 instants by the names of the pictures; pictures missing: cam2 1");
        assert_eq!(found.warning(), None);
        // At the beginning and at the end of folders of one length, and in any case.
        let found = of(&[&["Board_A", "board_b"], &["BOARD_B", "board_c"]]).unwrap();
        assert_eq!((found.by, found.pictures), (By::Name, vec![vec![Some(0), None], vec![Some(1), Some(0)], vec![None, Some(1)]]));
    }

    #[test]
    fn names_that_begin_with_the_camera_are_paired_by_their_numbers() {
        let found = of(&[&["cam1_10", "cam1_8", "cam1_9"], &["CAM2_0008", "CAM2_0010", "CAM2_test"]]).unwrap();
        assert_eq!(found.by, By::Number);
        // In the order of the numbers, what has none at the end.
        assert_eq!(found.pictures, [[Some(1), Some(0)], [Some(2), None], [Some(0), Some(1)], [None, Some(2)]]);
        assert_eq!(found.warning(), None);
        // The number need not be at the end; times in nanoseconds; numbers of zero.
        let found = of(&[&["0_left", "1699999999123456789012_left"], &["000_right", "1699999999123456789012_right"]]).unwrap();
        assert_eq!((found.by, found.pictures), (By::Number, vec![vec![Some(0); 2], vec![Some(1); 2]]));
        // Cameras that are called by numbers themselves.
        assert_eq!(number("1", "12"), number("left", "img_0012"));
        assert_eq!(number("1", "1"), number("1", "1_0001"));
        // Two of a camera with one number: it is not the instant's.
        let found = of(&[&["a_4k", "b_4k"], &["c_4k", "d_4k"]]).unwrap();
        assert_eq!(found.by, By::Place);
    }

    #[test]
    fn pictures_with_nothing_in_common_are_taken_in_order_with_a_warning() {
        let found = of(&[&["DSC_0101", "DSC_0102"], &["first", "second"]]).unwrap();
        assert_eq!((&found.pictures, found.by), (&vec![vec![Some(0); 2], vec![Some(1); 2]], By::Place));
        assert!(found.warning().unwrap().contains("alike"));
        // A camera without pictures is told elsewhere.
        let found = of(&[&["a", "b"], &[], &["c", "d"]]).unwrap();
        assert_eq!(found.pictures, [[Some(0), None, Some(0)], [Some(1), None, Some(1)]]);
    }

    #[test]
    fn pictures_with_nothing_in_common_and_other_counts_are_refused() {
        let told = of(&[&["x1", "x2", "x3"], &["x1", "x2", "x3"], &["a", "b", "c", "x1"]]).unwrap_err();
        assert!(told.contains("cam3 has 4 pictures (with the name or number of another camera's: 1), cam1 has 3"), "{told}");
        assert!(told.contains("Name the pictures of one instant alike"), "{told}");
    }

    #[test]
    fn half_of_the_pictures_are_enough_and_one_camera_needs_no_other() {
        assert_eq!(of(&[&["1", "2", "3", "4"], &["3", "4", "5"]]).unwrap().pictures.len(), 5);
        assert!(of(&[&["1", "2", "3", "4", "5"], &["4", "5", "6"]]).is_err());
        // Many of one camera alone, for its lens.
        let lens = of(&[&["a", "b", "c", "p", "q", "r", "s", "t"], &["a", "b", "c"]]).unwrap();
        assert_eq!((lens.by, lens.pictures.len(), lens.pictures[3][1]), (By::Name, 8, None));
        let alone = of(&[&["b", "a"]]).unwrap();
        assert_eq!((alone.by, alone.pictures), (By::Name, vec![vec![Some(1)], vec![Some(0)]]));
        assert_eq!(of(&[]).unwrap().pictures.len(), 0);
    }
}

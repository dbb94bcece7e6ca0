//! What to do next with the board: a coach that is told what each camera sees of it, as it sees it.
//!
//! It only counts; whether the rig is good is the solve's question. Must not know: pictures, feeds, who reads its words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use glam::DVec2;

use super::{
    coverage::{CELLS, Part, cell_of, empty_part, parts},
    description::Board,
    detect::{Detection, Rejection},
    graph::LEAST_SHARED,
    lens_start::LEAST_VIEWS,
    plane::{homography, jacobian},
    session::{SAME_SHARE, moved_px},
};

/// Boards that two cameras should share so that no single one carries the link.
pub const GOOD_SHARED: usize = 6;
/// Boards that a lens that is looked for should have been shown.
pub const GOOD_BOARDS: usize = 12;
/// A board seen further than this off its front counts as tilted, degrees.
pub const TILTED_DEG: f64 = 18.0;
/// Tilted boards of each kind that a lens takes.
pub const LEAST_TILTED: usize = 2;
/// What two looks of one camera say of motion, they say within this time, seconds.
const MOTION_WITHIN_SECS: f64 = 1.01;
/// A camera that saw the board within this time is where the board is, seconds.
const HERE_SECS: f64 = 4.0;
/// The reason of a rejection is told for so long, seconds.
const REASON_SECS: f64 = 4.0;
/// Cameras that had no picture after so many looks at the others have none.
const LOOKS_WITHOUT_PICTURE: usize = 12;

/// How a camera fares.
#[derive(Debug, Clone, PartialEq)]
pub struct CoachedCamera {
    /// Its name.
    pub name: String,
    /// Size of its pictures, px; 0 × 0 before the first.
    pub size_px: (u32, u32),
    /// Its lens is known: neither tilt nor coverage is asked for.
    pub knows_lens: bool,
    /// Pictures looked at.
    pub pictures: usize,
    /// Boards held still, each in another place.
    pub boards: usize,
    /// Boards found that were in another place than the one before, in motion or not.
    pub views: usize,
    /// Those of them that were turned to a side, and those that were tipped up or down, as the picture shows it.
    pub turned: usize,
    /// See [`CoachedCamera::turned`].
    pub tipped: usize,
    /// Corners per cell of the picture, row by row ([`CELLS`]).
    pub cells: Vec<u32>,
    /// Whether it saw the board when it was last looked at.
    pub sees: bool,
    /// When it saw the board the last time.
    pub seen_secs: Option<f64>,
    /// The last picture that gave nothing: when, and why.
    pub rejected: Option<(f64, Rejection)>,
    /// Rejections by their short reason.
    pub reasons: BTreeMap<&'static str, usize>,
    /// Rejections for the same reason in turn, those without any board left out.
    streak: usize,
    /// Something was wrong with the last board.
    troubled: bool,
    /// What it saw last, and when.
    last: Option<(f64, Detection)>,
    last_view: Option<Detection>,
    last_still: Option<Detection>,
}

impl CoachedCamera {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            size_px: (0, 0),
            knows_lens: false,
            pictures: 0,
            boards: 0,
            views: 0,
            turned: 0,
            tipped: 0,
            cells: vec![0; CELLS.0 * CELLS.1],
            sees: false,
            seen_secs: None,
            rejected: None,
            reasons: BTreeMap::new(),
            streak: 0,
            troubled: false,
            last: None,
            last_view: None,
            last_still: None,
        }
    }

    /// Nine parts of the picture, row by row: how many corners each has seen.
    pub fn parts(&self) -> [u32; 9] {
        parts(&self.cells)
    }

    /// Boards that its lens takes.
    pub const fn needed(&self) -> usize {
        if self.knows_lens { LEAST_SHARED } else { LEAST_VIEWS }
    }
}

/// What two cameras share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedBoards {
    /// Camera, by index.
    pub from: usize,
    /// Camera, by index; the larger one.
    pub to: usize,
    /// Boards held still that both saw at one instant, each in another place.
    pub shared: usize,
}

impl SharedBoards {
    /// Whether they tie the two together.
    pub const fn holds(&self) -> bool {
        self.shared >= LEAST_SHARED
    }
}

/// The one next thing to do. Cameras by name.
#[derive(Debug, Clone, PartialEq)]
pub enum Advice {
    /// A camera's picture is mirrored.
    Mirror {
        /// Which.
        camera: String,
    },
    /// A camera reads markers of another board.
    OtherBoard {
        /// Which.
        camera: String,
        /// How many.
        markers: usize,
    },
    /// No camera has seen the board yet.
    Begin,
    /// A camera has seen too few boards.
    Show {
        /// Which.
        camera: String,
        /// Boards that it has.
        boards: usize,
        /// Boards that it takes.
        needed: usize,
    },
    /// Two cameras share too few.
    Link {
        /// One.
        from: String,
        /// The other.
        to: String,
        /// Boards that they share.
        shared: usize,
        /// How many they shall share.
        needed: usize,
    },
    /// A camera has not seen the board turned to a side.
    Turn {
        /// Which.
        camera: String,
        /// Boards turned so.
        seen: usize,
    },
    /// A camera has not seen the board tipped up or down.
    Tip {
        /// Which.
        camera: String,
        /// Boards tipped so.
        seen: usize,
    },
    /// A camera has given no picture.
    NoPicture {
        /// Which.
        camera: String,
    },
    /// A part of a camera's picture has never seen the board.
    Cover {
        /// Which.
        camera: String,
        /// Where.
        part: Part,
    },
    /// Nothing is missing.
    Enough,
}

impl Advice {
    /// Whether a rig can be solved without it: it would only be better.
    pub const fn is_optional(&self) -> bool {
        match self {
            Self::Cover { .. } | Self::Enough => true,
            Self::Show { needed, .. } => *needed > LEAST_VIEWS,
            Self::Link { needed, .. } => *needed > LEAST_SHARED,
            _ => false,
        }
    }

    /// Which is more pressing; less comes first.
    const fn stage(&self) -> usize {
        match self {
            Self::Mirror { .. } => 0,
            Self::OtherBoard { .. } => 1,
            Self::Begin => 2,
            Self::Show { boards: 0, .. } => 3,
            Self::Link { needed, .. } if *needed <= LEAST_SHARED => 4,
            Self::Show { needed, .. } if *needed <= LEAST_VIEWS => 5,
            Self::Turn { .. } => 6,
            Self::Tip { .. } => 7,
            Self::NoPicture { .. } => 8,
            Self::Link { .. } => 9,
            Self::Show { .. } => 10,
            Self::Cover { .. } => 11,
            Self::Enough => 12,
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mirror { camera } => write!(f, "{camera} shows a mirrored picture: switch the mirror (flip) off in the camera"),
            Self::OtherBoard { camera, markers } => write!(
                f,
                "{camera} reads {markers} markers of another board: check its description (squares across × down, dictionary, :legacy)"
            ),
            Self::Begin => write!(f, "carry the board before the cameras, and hold it still for a second in each place"),
            Self::Show { camera, boards, needed } => write!(f, "hold the board before {camera}: {boards} of {needed} boards"),
            Self::Link { from, to, shared, needed } => {
                write!(f, "hold the board where {from} and {to} both see it: {shared} of {needed} shared")
            }
            Self::Turn { camera, seen } => {
                write!(f, "tilt it more towards {camera}: turn it 30° to 45° to one side ({seen} of {LEAST_TILTED})")
            }
            Self::Tip { camera, seen } => {
                write!(f, "tilt it more towards {camera}: tip it 30° to 45° up or down ({seen} of {LEAST_TILTED})")
            }
            Self::NoPicture { camera } => write!(f, "{camera} gives no picture: check its power, its cable and its address"),
            Self::Cover { camera, part } if part.is_corner() => write!(f, "carry it into the {part} corner of {camera}"),
            Self::Cover { camera, part } if (part.row, part.column) == (1, 1) => write!(f, "carry it into the middle of {camera}"),
            Self::Cover { camera, part } => write!(f, "carry it to the {part} edge of {camera}"),
            Self::Enough => f.write_str("enough: finish"),
        }
    }
}

/// Something that is missing, with the cameras that it is about.
struct Need {
    advice: Advice,
    cameras: Vec<usize>,
    /// More of it is there already.
    has: usize,
    /// How far the cameras are from each other by their order.
    apart: usize,
}

/// The coach.
#[derive(Debug, Clone)]
pub struct Coach {
    board: Board,
    frame_secs: f64,
    most_motion_px: f64,
    cameras: Vec<CoachedCamera>,
    /// By pair: the places of the board in each, as counted there.
    shared: BTreeMap<(usize, usize), BTreeSet<(usize, usize)>>,
    /// The newest instant, and who saw the board held still then, at which place.
    instant: (f64, Vec<(usize, usize)>),
}

impl Coach {
    /// For cameras of these names. Boards that move by more than `most_motion_px` within `frame_secs` count for no pair.
    pub fn new(board: Board, names: &[String], frame_secs: f64, most_motion_px: f64) -> Self {
        Self {
            board,
            frame_secs,
            most_motion_px,
            cameras: names.iter().map(|name| CoachedCamera::new(name)).collect(),
            shared: BTreeMap::new(),
            instant: (f64::NEG_INFINITY, vec![]),
        }
    }

    /// This camera's lens is known, or is not known any more.
    pub fn knows_lens(&mut self, camera: usize, known: bool) {
        if let Some(c) = self.cameras.get_mut(camera) {
            c.knows_lens = known;
        }
    }

    /// What a camera saw at an instant. Cameras that are told with the same `secs` saw one instant; times never go back, but for single
    /// cameras' looks to and fro within a second, which tell whether the board was held still.
    pub fn saw(&mut self, camera: usize, secs: f64, size_px: (u32, u32), result: &Result<Detection, Rejection>) {
        if camera >= self.cameras.len() {
            return;
        }
        if self.instant.0 != secs {
            self.instant = (secs, vec![]);
        }
        let c = &mut self.cameras[camera];
        c.size_px = size_px;
        c.pictures += 1;
        c.sees = result.is_ok();
        match result {
            Err(why) => c.reject(secs, *why),
            Ok(found) => {
                let motion = c.last.as_ref().and_then(|(before, last)| {
                    let away = (secs - before).abs();
                    (away > 0.0 && away < MOTION_WITHIN_SECS).then(|| moved_px(last, found).map(|px| px * self.frame_secs / away))?
                });
                c.seen_secs = Some(secs);
                c.last = Some((secs, found.clone()));
                c.view(&self.board, found);
                match motion {
                    // Seen once: nobody knows yet whether it is held still.
                    None => {}
                    Some(px_per_frame) if px_per_frame > self.most_motion_px => {
                        c.reject(secs, Rejection::Moving { px_per_frame, limit_px: self.most_motion_px });
                    }
                    Some(_) => {
                        (c.streak, c.troubled) = (0, false);
                        if is_elsewhere(c.last_still.as_ref(), found, size_px.0) {
                            c.boards += 1;
                            c.last_still = Some(found.clone());
                        }
                        let place = c.boards;
                        self.together(camera, place);
                    }
                }
            }
        }
    }

    /// This camera saw the board held still at the newest instant.
    fn together(&mut self, camera: usize, place: usize) {
        for (other, there) in self.instant.1.clone() {
            let (pair, places) = if other < camera { ((other, camera), (there, place)) } else { ((camera, other), (place, there)) };
            if other != camera {
                self.shared.entry(pair).or_default().insert(places);
            }
        }
        self.instant.1.push((camera, place));
    }

    /// The board.
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// The cameras.
    pub fn cameras(&self) -> &[CoachedCamera] {
        &self.cameras
    }

    /// Pairs that share something.
    pub fn pairs(&self) -> Vec<SharedBoards> {
        self.shared.iter().map(|((from, to), places)| SharedBoards { from: *from, to: *to, shared: places.len() }).collect()
    }

    fn shared_by(&self, a: usize, b: usize) -> usize {
        self.shared.get(&(a.min(b), a.max(b))).map_or(0, BTreeSet::len)
    }

    /// Cameras that hang together by links that hold, each group in order, the largest group first.
    pub fn groups(&self) -> Vec<Vec<usize>> {
        self.groups_by(LEAST_SHARED)
    }

    fn groups_by(&self, least: usize) -> Vec<Vec<usize>> {
        let mut group: Vec<usize> = (0..self.cameras.len()).collect();
        for ((i, j), places) in &self.shared {
            if places.len() >= least {
                let (a, b) = (group[*i], group[*j]);
                group.iter_mut().filter(|g| **g == a.max(b)).for_each(|g| *g = a.min(b));
            }
        }
        let mut all: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, g) in group.iter().enumerate() {
            all.entry(*g).or_default().push(i);
        }
        let mut all: Vec<Vec<usize>> = all.into_values().collect();
        all.sort_by_key(|g| std::cmp::Reverse(g.len()));
        all
    }

    /// Whether a rig can be solved from what there is.
    pub fn is_enough(&self) -> bool {
        self.cameras.len() > 1 && self.needs().iter().all(|n| n.advice.is_optional())
    }

    /// How much of what a rig takes is there, 0…1: boards, tilt, and links of the strongest tree that ties all cameras together.
    pub fn done_share(&self) -> f64 {
        let of = |has: usize, needed: usize| (has.min(needed), needed);
        let mut counts: Vec<(usize, usize)> = Vec::new();
        for c in &self.cameras {
            counts.push(of(c.boards, c.needed()));
            if !c.knows_lens {
                counts.extend([of(c.turned, LEAST_TILTED), of(c.tipped, LEAST_TILTED)]);
            }
        }
        // The strongest first (Kruskal): a link inside of what hangs together already adds nothing.
        let mut pairs = self.pairs();
        pairs.sort_by_key(|p| std::cmp::Reverse(p.shared));
        let mut group: Vec<usize> = (0..self.cameras.len()).collect();
        let mut shared = 0;
        for p in pairs {
            let (a, b) = (group[p.from], group[p.to]);
            if a != b {
                group.iter_mut().filter(|g| **g == a).for_each(|g| *g = b);
                shared += p.shared.min(LEAST_SHARED);
            }
        }
        counts.push((shared, self.cameras.len().saturating_sub(1) * LEAST_SHARED));
        let (has, needed) = counts.iter().fold((0, 0), |sum, c| (sum.0 + c.0, sum.1 + c.1));
        has as f64 / needed.max(1) as f64
    }

    /// The one next thing to do: what a rig cannot do without comes first, and of that what can be done where the board is now.
    pub fn advice(&self) -> Advice {
        let now = self.instant.0;
        let is_here = |i: &usize| self.cameras[*i].seen_secs.is_some_and(|at| now - at <= HERE_SECS);
        let rank = |n: &Need| {
            let stage = n.advice.stage();
            let here = n.cameras.iter().filter(|i| is_here(i)).count();
            // What makes all else useless is told wherever the board is.
            let is_away = stage > 2 && here == 0;
            (n.advice.is_optional(), is_away, stage, usize::MAX - n.has, n.apart, n.cameras.clone())
        };
        self.needs().into_iter().min_by_key(|n| rank(n)).map_or(Advice::Enough, |n| n.advice)
    }

    /// Why a camera that the advice is about gave nothing a moment ago: what the one who holds the board does wrong there.
    pub fn reason(&self, advice: &Advice) -> Option<(&str, Rejection)> {
        let about: Vec<&String> = match advice {
            // Nobody has seen it yet: whoever came nearest says why.
            Advice::Begin => self.cameras.iter().map(|c| &c.name).collect(),
            Advice::Show { camera, .. } | Advice::Turn { camera, .. } | Advice::Tip { camera, .. } | Advice::Cover { camera, .. } => {
                vec![camera]
            }
            Advice::Link { from, to, .. } => vec![from, to],
            _ => vec![],
        };
        about.into_iter().find_map(|name| {
            let c = self.cameras.iter().find(|c| c.name == *name)?;
            let (at, why) = c.rejected.filter(|_| c.troubled)?;
            (self.instant.0 - at <= REASON_SECS).then_some((c.name.as_str(), why))
        })
    }

    /// All that is missing.
    fn needs(&self) -> Vec<Need> {
        let mut needs = Vec::new();
        let mut about = |camera: usize, has: usize, advice: Advice| needs.push(Need { advice, cameras: vec![camera], has, apart: 0 });
        let looks = self.cameras.iter().map(|c| c.pictures).max().unwrap_or(0);
        for (i, c) in self.cameras.iter().enumerate() {
            let camera = c.name.clone();
            // Whoever has read the board sees a reflection of it, or other markers in the hall.
            let insisted = c.insisted().filter(|_| c.views == 0);
            if matches!(insisted, Some(Rejection::Mirrored { .. })) {
                about(i, 0, Advice::Mirror { camera });
            } else if let Some(Rejection::OtherBoard { markers }) = insisted {
                about(i, 0, Advice::OtherBoard { camera, markers });
            } else if c.pictures == 0 && looks > LOOKS_WITHOUT_PICTURE {
                about(i, 0, Advice::NoPicture { camera });
            } else if c.boards < c.needed() {
                about(i, c.boards, Advice::Show { camera, boards: c.boards, needed: c.needed() });
            } else if !c.knows_lens {
                if c.turned < LEAST_TILTED {
                    about(i, c.turned, Advice::Turn { camera: camera.clone(), seen: c.turned });
                }
                if c.tipped < LEAST_TILTED {
                    about(i, c.tipped, Advice::Tip { camera: camera.clone(), seen: c.tipped });
                }
                if c.boards < GOOD_BOARDS {
                    about(i, c.boards, Advice::Show { camera: camera.clone(), boards: c.boards, needed: GOOD_BOARDS });
                }
                if let Some(part) = empty_part(&c.cells) {
                    about(i, 0, Advice::Cover { camera, part });
                }
            }
        }
        if self.cameras.iter().all(|c| c.views == 0) {
            needs.push(Need { advice: Advice::Begin, cameras: vec![], has: 0, apart: 0 });
        }
        for needed in [LEAST_SHARED, GOOD_SHARED] {
            let groups = self.groups_by(needed);
            let group_of = |i: usize| groups.iter().position(|g| g.contains(&i));
            for i in 0..self.cameras.len() {
                for j in i + 1..self.cameras.len() {
                    // Who has seen nothing yet is shown the board first.
                    let have_seen = self.cameras[i].boards > 0 && self.cameras[j].boards > 0;
                    if have_seen && group_of(i) != group_of(j) {
                        let shared = self.shared_by(i, j);
                        let (from, to) = (self.cameras[i].name.clone(), self.cameras[j].name.clone());
                        let advice = Advice::Link { from, to, shared, needed };
                        needs.push(Need { advice, cameras: vec![i, j], has: shared, apart: j - i });
                    }
                }
            }
        }
        needs
    }
}

impl CoachedCamera {
    fn reject(&mut self, secs: f64, why: Rejection) {
        *self.reasons.entry(why.short()).or_insert(0) += 1;
        // An empty picture does not hide what was wrong with the last board.
        if why == Rejection::NoBoard {
            self.rejected = self.rejected.or(Some((secs, why)));
            return;
        }
        let same = self.rejected.is_some_and(|(_, before)| before.short() == why.short());
        self.streak = if same { self.streak + 1 } else { 1 };
        (self.rejected, self.troubled) = (Some((secs, why)), true);
    }

    /// What has been wrong with every board of late, twice at least.
    fn insisted(&self) -> Option<Rejection> {
        self.rejected.filter(|_| self.streak >= 2).map(|(_, why)| why)
    }

    /// For the lens: where in the picture, and how tilted.
    fn view(&mut self, board: &Board, found: &Detection) {
        if !is_elsewhere(self.last_view.as_ref(), found, self.size_px.0) {
            return;
        }
        self.last_view = Some(found.clone());
        self.views += 1;
        for (_, px) in &found.corners {
            self.cells[cell_of(*px, self.size_px)] += 1;
        }
        match tilt(board, found) {
            Some((deg, along)) if deg >= TILTED_DEG => {
                // About half-way it is both.
                let along = along.abs();
                self.turned += usize::from(along.x > 0.5 * along.y);
                self.tipped += usize::from(along.y > 0.5 * along.x);
            }
            _ => {}
        }
    }
}

/// Whether the board is in another place of the picture than before.
fn is_elsewhere(before: Option<&Detection>, now: &Detection, width_px: u32) -> bool {
    before.is_none_or(|before| moved_px(before, now).is_none_or(|px| px > SAME_SHARE * f64::from(width_px)))
}

/// How far off its front the board is seen, degrees, and the direction in the picture in which that makes it shorter: the singular values of the
/// local picture of its plane.
fn tilt(board: &Board, found: &Detection) -> Option<(f64, DVec2)> {
    let pairs: Vec<(DVec2, DVec2)> = found.corners.iter().map(|(i, px)| (board.flat_m(*i), *px)).collect();
    let h = homography(&pairs)?;
    let middle = pairs.iter().map(|p| p.0).sum::<DVec2>() / pairs.len() as f64;
    let (dx, dy) = jacobian(&h, middle);
    // J Jᵀ.
    let (a, b, c) = (dx.x * dx.x + dy.x * dy.x, dx.x * dx.y + dy.x * dy.y, dx.y * dx.y + dy.y * dy.y);
    let root = ((a - c) * (a - c) + 4.0 * b * b).sqrt();
    let (least, most) = (0.5 * (a + c - root), 0.5 * (a + c + root));
    let angle = 0.5 * (2.0 * b).atan2(a - c) + std::f64::consts::FRAC_PI_2;
    (most > 0.0).then(|| ((least.max(0.0) / most).sqrt().clamp(0.0, 1.0).acos().to_degrees(), DVec2::from_angle(angle)))
}

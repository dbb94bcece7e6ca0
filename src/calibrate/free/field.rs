//! Fields of play with their official dimensions: named points that an operator clicks in the pictures to give a rig its scale, its floor
//! and its axes.
//!
//! Metres. The origin is the middle of the field, +x along its length from half *a* to half *b*, +y to the left of who looks that
//! way, +z up. On the straight of an athletics track the origin is the start of the 100 m at the inside of lane 1, +x the way that is run.

use glam::DVec3;

/// A point of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldPoint {
    /// What the operator calls it in the file of points.
    pub name: String,
    /// Where it is, metres.
    pub p_in_world: DVec3,
}

/// A field of play.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// For `--field`.
    pub id: &'static str,
    /// What its measures are taken from, and which edge of the lines they mean.
    pub source: &'static str,
    /// Its points.
    pub points: Vec<FieldPoint>,
}

/// No field of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no field {0:?}. There are athletics, badminton, basketball, football, rugby, table-tennis, tennis and volleyball; football and rugby also as football:LENGTHxWIDTH in metres"
)]
pub struct UnknownField(pub String);

struct Drawing(Vec<FieldPoint>);

impl Drawing {
    fn put(&mut self, name: impl Into<String>, x: f64, y: f64, z: f64) {
        self.0.push(FieldPoint { name: name.into(), p_in_world: DVec3::new(x, y, z) });
    }

    /// In both halves and on both sides: `a_NAME_left`, `a_NAME_right`, `b_NAME_left`, `b_NAME_right`.
    fn four(&mut self, name: &str, x: f64, y: f64, z: f64) {
        for (half, sx) in [("a", -1.0), ("b", 1.0)] {
            for (side, sy) in [("left", 1.0), ("right", -1.0)] {
                self.put(format!("{half}_{name}_{side}"), sx * x, sy * y, z);
            }
        }
    }

    /// On the long axis of both halves: `a_NAME`, `b_NAME`.
    fn two(&mut self, name: &str, x: f64, z: f64) {
        self.put(format!("a_{name}"), -x, 0.0, z);
        self.put(format!("b_{name}"), x, 0.0, z);
    }

    /// On both sides of the middle: `NAME_left`, `NAME_right`.
    fn sides(&mut self, name: &str, y: f64, z: f64) {
        self.put(format!("{name}_left"), 0.0, y, z);
        self.put(format!("{name}_right"), 0.0, -y, z);
    }
}

/// All fields, in their usual sizes.
pub fn fields() -> Vec<Field> {
    vec![athletics(), badminton(), basketball(), football(105.0, 68.0), rugby(100.0, 70.0), table_tennis(), tennis(), volleyball()]
}

impl Field {
    /// The field of that name; `football:100x64` and `rugby:94x68` give the size of the pitch.
    pub fn named(name: &str) -> Result<Self, UnknownField> {
        let unknown = || UnknownField(name.to_owned());
        let (id, size) = name.split_once(':').map_or((name, None), |(id, size)| (id, Some(size)));
        if let Some(size) = size {
            let (length, width) = size.split_once('x').ok_or_else(unknown)?;
            let number = |text: &str| text.parse::<f64>().ok().filter(|v| (20.0..200.0).contains(v)).ok_or_else(unknown);
            let (length, width) = (number(length)?, number(width)?);
            return match id {
                "football" => Ok(football(length, width)),
                "rugby" => Ok(rugby(length, width)),
                _ => Err(unknown()),
            };
        }
        fields().into_iter().find(|f| f.id == id).ok_or_else(unknown)
    }
}

fn tennis() -> Field {
    let mut d = Drawing(vec![]);
    d.four("corner", 11.885, 5.485, 0.0);
    d.four("singles", 11.885, 4.115, 0.0);
    d.four("service", 6.40, 4.115, 0.0);
    d.two("service_middle", 6.40, 0.0);
    d.two("center_mark", 11.885, 0.0);
    d.sides("net_post_top", 5.485 + 0.914, 1.07);
    d.put("net_middle_top", 0.0, 0.0, 0.914);
    let source = "ITF Rules of Tennis, rules 1 and 2: 23.77 × 10.97 m (singles 8.23 m), to the outside of the lines; posts for doubles";
    Field { id: "tennis", source, points: d.0 }
}

fn table_tennis() -> Field {
    let mut d = Drawing(vec![]);
    d.four("corner", 1.37, 0.7625, 0.76);
    d.sides("side_middle", 0.7625, 0.76);
    d.sides("net_top", 0.7625 + 0.1525, 0.76 + 0.1525);
    let source =
        "ITTF Laws of Table Tennis, 2.1 and 2.2: table 2.74 × 1.525 m, 0.76 m high; net 15.25 cm high and as much beyond the sides";
    Field { id: "table-tennis", source, points: d.0 }
}

fn badminton() -> Field {
    let mut d = Drawing(vec![]);
    d.four("corner", 6.70, 3.05, 0.0);
    d.four("singles", 6.70, 2.59, 0.0);
    d.four("long_service", 6.70 - 0.76, 3.05, 0.0);
    d.four("short_service", 1.98, 3.05, 0.0);
    d.two("short_service_middle", 1.98, 0.0);
    d.sides("net_post_top", 3.05, 1.55);
    let source = "BWF Laws of Badminton, law 1: 13.40 × 6.10 m (singles 5.18 m), to the outside of the lines; posts 1.55 m";
    Field { id: "badminton", source, points: d.0 }
}

fn volleyball() -> Field {
    let mut d = Drawing(vec![]);
    d.four("corner", 9.0, 4.5, 0.0);
    d.four("attack", 3.0, 4.5, 0.0);
    d.sides("center_line", 4.5, 0.0);
    let source = "FIVB Official Volleyball Rules, rule 1: 18 × 9 m to the outside of the lines, attack lines (edge away from the net) 3 m from the middle";
    Field { id: "volleyball", source, points: d.0 }
}

fn basketball() -> Field {
    let mut d = Drawing(vec![]);
    d.four("corner", 14.0, 7.5, 0.0);
    d.four("lane", 14.0, 2.45, 0.0);
    d.four("free_throw", 14.0 - 5.80, 2.45, 0.0);
    d.four("three_point", 14.0, 7.5 - 0.90, 0.0);
    d.two("ring", 14.0 - 1.575, 3.05);
    d.sides("center_line", 7.5, 0.0);
    d.sides("center_circle", 1.80, 0.0);
    d.put("center", 0.0, 0.0, 0.0);
    let source = "FIBA Official Basketball Rules, article 2: 28 × 15 m to the inside of the boundary lines; lane, circle and three-point line to the outside; middle of the rings 1.575 m in and 3.05 m high";
    Field { id: "basketball", source, points: d.0 }
}

fn football(length_m: f64, width_m: f64) -> Field {
    let (x, y) = (0.5 * length_m, 0.5 * width_m);
    let mut d = Drawing(vec![]);
    d.four("corner", x, y, 0.0);
    d.four("penalty_area", x - 16.5, 3.66 + 16.5, 0.0);
    d.four("penalty_area_goal_line", x, 3.66 + 16.5, 0.0);
    d.four("goal_area", x - 5.5, 3.66 + 5.5, 0.0);
    d.four("goal_area_goal_line", x, 3.66 + 5.5, 0.0);
    d.four("post", x, 3.66, 0.0);
    d.four("crossbar", x, 3.66, 2.44);
    d.two("penalty_mark", x - 11.0, 0.0);
    d.sides("halfway", y, 0.0);
    d.sides("center_circle", 9.15, 0.0);
    d.put("center", 0.0, 0.0, 0.0);
    let source = "IFAB Laws of the Game, law 1: areas to the outside of their lines, posts and crossbar to their inside; pitch 105 × 68 m unless said otherwise";
    Field { id: "football", source, points: d.0 }
}

fn rugby(length_m: f64, width_m: f64) -> Field {
    let (x, y) = (0.5 * length_m, 0.5 * width_m);
    let mut d = Drawing(vec![]);
    d.four("corner", x, y, 0.0);
    d.four("22m", x - 22.0, y, 0.0);
    d.four("10m", 10.0, y, 0.0);
    d.four("post", x, 2.8, 0.0);
    d.four("crossbar", x, 2.8, 3.0);
    d.sides("halfway", y, 0.0);
    d.put("center", 0.0, 0.0, 0.0);
    let source = "World Rugby, Laws of the Game, law 1: posts 5.6 m apart, crossbar 3.0 m; field of play 100 × 70 m unless said otherwise";
    Field { id: "rugby", source, points: d.0 }
}

fn athletics() -> Field {
    const LANE_M: f64 = 1.22;
    let mut d = Drawing(vec![]);
    for line in 0..=9_u32 {
        let y = -LANE_M * f64::from(line);
        d.put(format!("start_{line}"), 0.0, y, 0.0);
        d.put(format!("finish_{line}"), 100.0, y, 0.0);
        d.put(format!("start110_{line}"), -10.0, y, 0.0);
        for hurdle in 0..10_u32 {
            let nth = f64::from(hurdle);
            d.put(format!("110h{}_{line}", hurdle + 1), -10.0 + 13.72 + 9.14 * nth, y, 0.0);
            d.put(format!("100h{}_{line}", hurdle + 1), 13.0 + 8.5 * nth, y, 0.0);
        }
    }
    let source = "World Athletics, Competition and Technical Rules, rules 14, 17 and 22: lanes of 1.22 m to the right edge of their lines (line 0 is the inside of lane 1), start to its edge away from the finish, finish to its edge towards the start; hurdles 13.72 / 9.14 m (110 m) and 13.00 / 8.50 m (100 m)";
    Field { id: "athletics", source, points: d.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lengths_are_those_of_the_rules() {
        for f in fields() {
            let mut names: Vec<&str> = f.points.iter().map(|p| p.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), f.points.len(), "{}", f.id);
        }
        let away = |field: &str, a: &str, b: &str| {
            let f = Field::named(field).unwrap();
            let p = |n: &str| f.points.iter().find(|p| p.name == n).unwrap_or_else(|| panic!("{n}")).p_in_world;
            (p(a) - p(b)).length()
        };
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(away("tennis", "a_corner_left", "b_corner_left"), 23.77);
        near(away("tennis", "a_corner_left", "a_corner_right"), 10.97);
        near(away("table-tennis", "a_corner_left", "b_corner_left"), 2.74);
        near(away("badminton", "a_corner_left", "b_corner_left"), 13.40);
        near(away("volleyball", "a_attack_left", "b_attack_left"), 6.0);
        near(away("basketball", "a_lane_left", "a_lane_right"), 4.90);
        near(away("football", "a_post_left", "a_post_right"), 7.32);
        near(away("football", "a_penalty_area_left", "a_penalty_area_right"), 40.32);
        near(away("football:100x64", "a_corner_left", "b_corner_left"), 100.0);
        near(away("rugby", "a_22m_left", "a_corner_left"), 22.0);
        // The tenth hurdle of 110 m stands 14.02 m before the finish, that of 100 m 10.50 m.
        near(away("athletics", "110h10_0", "finish_0"), 14.02);
        near(away("athletics", "100h10_3", "finish_3"), 10.50);
        assert!(Field::named("golf").is_err() && Field::named("tennis:20x20").is_err() && Field::named("football:9x9").is_err());
    }
}

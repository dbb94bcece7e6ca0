//! A stroke font of our own: polylines on a grid, 4 wide and 6 high, descenders to 8.

/// The strokes of a character: words of digit pairs `xy`; the baseline is y = 6, capitals reach y = 0, small letters y = 2.
#[rustfmt::skip]
#[expect(clippy::match_same_arms, reason = "a table: one row for each character")]
fn strokes(c: char) -> &'static str {
    match c {
        ' ' => "",
        'A' => "062046 1434", 'B' => "060030414233 0333 3344453606", 'C' => "4130100105163645", 'D' => "06003041453606",
        'E' => "40000646 0333", 'F' => "400006 0333", 'G' => "41301001051636454323", 'H' => "0006 4046 0343",
        'I' => "1030 2026 1636", 'J' => "4045361605", 'K' => "0006 4003 0346", 'L' => "000646",
        'M' => "0600234046", 'N' => "06004640", 'O' => "100105163645413010", 'P' => "06003041423303",
        'Q' => "100105163645413010 2446", 'R' => "06003041423303 2346", 'S' => "413010010213334445361605", 'T' => "0040 2026",
        'U' => "000516364540", 'V' => "002640", 'W' => "0016233640", 'X' => "0046 4006", 'Y' => "002340 2326", 'Z' => "00400646",
        'a' => "4246 4332120305163645", 'b' => "0006 0312324345361605", 'c' => "4332120305163645", 'd' => "4046 4332120305163645",
        'e' => "04444332120305163645", 'f' => "40302126 1242", 'g' => "4247381807 4332120305163645", 'h' => "0006 0312324346",
        'i' => "2226 2020", 'j' => "32372818 3030", 'k' => "0006 4204 0446", 'l' => "20253646",
        'm' => "0206 03122326 23324346", 'n' => "0206 0312324346", 'o' => "120305163645433212", 'p' => "0208 0312324345361605",
        'q' => "4248 4332120305163645", 'r' => "0206 03123243", 's' => "43321203143445361605", 't' => "20253646 1242",
        'u' => "0205163645 4246", 'v' => "022642", 'w' => "0216243642", 'x' => "0246 4206", 'y' => "0226 4218", 'z' => "02420646",
        '0' => "100105163645413010", '1' => "112026 1636", '2' => "01103041420646", '3' => "0110304142334445361605 2333",
        '4' => "300444 3036", '5' => "400002324345361605", '6' => "413010010516364544331304", '7' => "004016",
        '8' => "100102133342413010 1304051636454433", '9' => "423313020110304145361605",
        '.' => "2626", ',' => "2618", ':' => "2323 2626", '-' | '–' | '−' => "1333", '_' => "0747", '/' => "0640",
        '(' => "30212536", ')' => "10212516", '[' => "30101636", ']' => "10303616", '+' => "0343 2125", '=' => "0242 0444",
        '<' => "410345", '>' => "014305", '%' => "0640 1010 3636", '#' => "1016 3036 0242 0444", '\'' => "2022", '"' => "1012 3032",
        '°' => "2011223120", '×' => "1335 3315", '±' => "0242 2024 0646", '·' => "2424", '@' => "3432232435444130100105163646",
        '≤' => "400244 0646", '…' => "0606 2626 4646",
        _ => "0006464000",
    }
}

/// Advance per character in units of the grid.
const ADVANCE: f32 = 5.6;

/// Width of a text whose capitals are `height` high.
pub(crate) fn width(text: &str, height: f32) -> f32 {
    (text.chars().count() as f32 * ADVANCE - (ADVANCE - 4.0)).max(0.0) * height / 6.0
}

/// Calls `line` for every stroke of a text that starts at (x, baseline y).
pub(crate) fn lines(text: &str, x: f32, y: f32, height: f32, mut line: impl FnMut([f32; 2], [f32; 2])) {
    let unit = height / 6.0;
    for (i, c) in text.chars().enumerate() {
        let left = x + i as f32 * ADVANCE * unit;
        for word in strokes(c).split(' ').filter(|w| !w.is_empty()) {
            let digits: Vec<f32> = word.bytes().map(|b| f32::from(b - b'0')).collect();
            let points: Vec<[f32; 2]> = digits.chunks_exact(2).map(|p| [left + p[0] * unit, y + (p[1] - 6.0) * unit]).collect();
            for pair in points.windows(2) {
                line(pair[0], pair[1]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_glyph_lies_on_its_grid_and_no_two_letters_look_the_same() {
        let all: Vec<char> = (' '..='~').filter(char::is_ascii_alphanumeric).collect();
        for &c in &all {
            assert!(strokes(c).bytes().all(|b| b == b' ' || (b'0'..=b'8').contains(&b)), "{c}");
            assert!(strokes(c).split(' ').all(|w| w.len() >= 4 && w.len() % 2 == 0), "{c}");
            for &other in all.iter().filter(|o| **o != c && !matches!((c, **o), ('O', '0') | ('0', 'O'))) {
                assert_ne!(strokes(c), strokes(other), "{c} {other}");
            }
        }
        assert!(width("ab", 6.0) > width("a", 6.0));
    }
}

//! The report as a page: one file with its script and style in it, beside the folders of pictures; needs no server.
//!
//! Must not know: how anything was measured.

use super::{Report, folder::escaped, report::HEADINGS, run::DIFFERENCE_GAIN};

const TEMPLATE: &str = include_str!("page.html");

/// The page.
pub fn html(report: &Report) -> String {
    let mut table = format!("<thead><tr>{}</tr></thead><tbody>", HEADINGS.map(|h| format!("<th>{}</th>", escaped(h))).concat());
    for (i, set) in report.sets.iter().enumerate() {
        let class = if report.quick {
            ""
        } else if set.ahead().0 >= 1.0 {
            "ahead"
        } else if set.ahead().0 >= 0.0 {
            "even"
        } else {
            "behind"
        };
        let cells = set.cells(report.quick).map(|c| format!("<td>{}</td>", escaped(&c.replace('`', "")))).concat();
        let row = format!("<tr class=\"{class}\" data-set=\"{i}\" tabindex=\"0\">{cells}</tr>");
        table.push_str(&row);
    }
    table.push_str("</tbody>");
    let remarks: Vec<String> = report.remarks().iter().chain([&report.source]).map(|r| format!("<p>{}</p>", escaped(r))).collect();
    // Data inside a script: the only thing that could end it early is a "</".
    let data = serde_json::to_string(report).unwrap_or_else(|_| "{\"sets\":[]}".to_owned()).replace("</", "<\\/");
    // The data last: nothing in it is taken for a place to fill.
    TEMPLATE
        .replace("{{made_by}}", &escaped(&report.made_by))
        .replace("{{gain}}", &DIFFERENCE_GAIN.to_string())
        .replace("{{table}}", &table)
        .replace("{{remarks}}", &remarks.concat())
        .replace("{{data}}", &data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::bench::{PictureResult, Protocol, Scores, SetResult};
    use crate::view::ViewReport;

    #[test]
    fn the_page_is_whole_and_names_nothing_outside() {
        let scores = Scores { psnr_db: 30.0, ssim: 0.9, mask_db: None };
        let picture = PictureResult {
            camera: "</script><b>{{table}}".to_owned(),
            file: "cam".to_owned(),
            width_px: 4,
            height_px: 4,
            volte: scores,
            cross_fade: scores,
            nearest: scores,
            view: ViewReport::default(),
        };
        let mut spec = Protocol::own().unwrap().sets.remove(0);
        spec.title = "<walk & co>".to_owned();
        let set = SetResult::new(&spec, vec![], vec![picture]);
        let page = html(&Report { made_by: "v".into(), adapter: "a".into(), quick: false, source: "s".into(), sets: vec![set] });
        assert!(page.contains("&lt;walk &amp; co&gt;") && page.contains("29.08 / 0.904"));
        assert_eq!(page.matches("</script>").count(), 1, "a name ended the script");
        assert_eq!(page.matches("<thead>").count(), 1, "a name was taken for a place to fill");
        for outside in ["http://", "https://", "src=\"//", "@import"] {
            assert!(!page.contains(outside), "the page fetches {outside}");
        }
    }
}

//! The report as a page: one file, beside the folder of pictures; needs no server. Must not know: how anything was measured.

use super::{VenueReport, report::Table};
use crate::engine::bench::folder::{PICTURES, escaped};

const TEMPLATE: &str = include_str!("page.html");

/// The page.
pub fn html(report: &VenueReport) -> String {
    let verdicts: Vec<String> = report
        .verdicts()
        .iter()
        .map(|v| {
            let (class, word) = if report.quick {
                ("", "a look only")
            } else if v.met {
                ("ahead", "met")
            } else {
                ("behind", "missed")
            };
            let cells = [v.what.as_str(), &v.measured, v.target, word].map(|c| format!("<td>{}</td>", escaped(c))).concat();
            format!("<tr class=\"{class}\">{cells}</tr>")
        })
        .collect();
    let plots: Vec<String> = report.plots().iter().map(|(_, plot)| format!("<figure>{}</figure>", plot.svg())).collect();
    let tables: Vec<String> = report.tables().iter().map(|(title, t)| format!("<h2>{}</h2>{}", escaped(title), table(t))).collect();
    // Data inside a script: the only thing that could end it early is a "</".
    let groups = serde_json::to_string(&groups(report)).unwrap_or_else(|_| "[]".to_owned()).replace("</", "<\\/");
    let remark = format!(
        "Pictures of {}×{} px, computed on {} in {:.0} s.{}",
        report.size_px.0,
        report.size_px.1,
        report.adapter,
        report.seconds,
        if report.quick { " A quick look: these figures compare with no others." } else { "" }
    );
    TEMPLATE
        .replace("{{made_by}}", &escaped(&report.made_by))
        .replace("{{remark}}", &escaped(&remark))
        .replace("{{verdicts}}", &verdicts.concat())
        .replace("{{plots}}", &plots.concat())
        .replace("{{tables}}", &tables.concat())
        .replace("{{groups}}", &groups)
}

/// What can be flipped through: name, and per layer its word and its file.
#[derive(serde::Serialize)]
struct Group {
    name: String,
    layers: Vec<(&'static str, String)>,
}

fn groups(report: &VenueReport) -> Vec<Group> {
    let group = |name: String, file: &str, layers: &[&'static str]| Group {
        name,
        layers: layers.iter().map(|l| (*l, format!("{PICTURES}/{file}-{l}.png"))).collect(),
    };
    let spacing = report.spacing.iter().flat_map(|p| &p.rows).map(|r| {
        let layers = ["truth", "synthesis", "soft-fade", "cross-fade", "nearest"];
        group(format!("{}° apart", r.spacing_deg), &format!("spacing-{}", r.spacing_deg), &layers)
    });
    let oracle = report.oracle.iter().flat_map(|p| &p.views).map(|v| {
        let name = format!("oracle {}°, instant {:.2}, at {}", v.spacing_deg, v.phase, v.position);
        group(name, &v.file, &["truth", "synthesis", "oracle"])
    });
    let scenes = report.scenes.iter().flat_map(|p| &p.rows).map(|r| {
        let layers = ["truth", "synthesis", "plain-warp", "cross-fade", "oracle"];
        group(format!("scene: {}", r.name), &format!("scene-{}", r.name), &layers)
    });
    let views = ["truth", "without-plates", "with-plates", "true-depth--without-plates", "plate", "background"];
    let layers = report.layers.iter().map(|p| group(format!("plates, {}°", p.spacing_deg), "layers", &views));
    spacing.chain(oracle).chain(scenes).chain(layers).collect()
}

fn table((heads, rows): &Table) -> String {
    let heads: Vec<String> = heads.iter().map(|h| format!("<th>{}</th>", escaped(h))).collect();
    let row = |r: &Vec<String>| format!("<tr>{}</tr>", r.iter().map(|c| format!("<td>{}</td>", escaped(c))).collect::<Vec<_>>().concat());
    let rows: Vec<String> = rows.iter().map(row).collect();
    format!("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", heads.concat(), rows.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::bench::venue::Scope;

    #[test]
    fn the_page_is_whole_and_fetches_nothing() {
        let report = VenueReport::new("</script><b>{{tables}}".to_owned(), "an <adapter>".to_owned(), &Scope::quick());
        let page = html(&report);
        assert!(page.contains("an &lt;adapter&gt;") && page.contains("A quick look"));
        assert_eq!(page.matches("</script>").count(), 1);
        for hole in ["{{made_by}}", "{{remark}}", "{{verdicts}}", "{{plots}}", "{{groups}}"] {
            assert!(!page.contains(hole), "{hole} was not filled");
        }
        for outside in ["https://", "src=\"//", "@import"] {
            assert!(!page.contains(outside), "the page fetches {outside}");
        }
    }
}

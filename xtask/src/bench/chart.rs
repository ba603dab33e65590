//! Bars, as SVG.

use std::fmt::Write;

/// A group of bars: its name, and what each series has there.
pub(super) type Group = (String, Vec<Option<f64>>);

const COLOURS: &[&str] = &["#8a8f98", "#1f6feb", "#d1742f", "#2f8f5b"];
const BAR: f64 = 14.0;
const WIDTH: f64 = 760.0;
const LEFT: f64 = 220.0;
const TOP: f64 = 64.0;

/// Draws `groups`, with a bar a series, and a line at `mark` if there is one.
pub(super) fn bars(title: &str, series: &[&str], groups: &[Group], mark: Option<f64>) -> String {
    let most = groups.iter().flat_map(|(_, values)| values).flatten().copied();
    let most = most.fold(mark.unwrap_or(0.0), f64::max).max(f64::MIN_POSITIVE);
    let scale = (WIDTH - LEFT - 80.0) / most;
    let step = BAR * (series.len() as f64 + 0.7);
    let height = TOP + step * groups.len() as f64 + 10.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"22\" font-size=\"15\">{}</text>\n",
        escape(title)
    );
    let colours = || COLOURS.iter().cycle();
    for ((i, name), colour) in series.iter().enumerate().zip(colours()) {
        let x = 10.0 + 180.0 * i as f64;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"36\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"47\">{}</text>",
            x + 18.0,
            escape(name)
        );
    }
    for (i, (name, values)) in groups.iter().enumerate() {
        let top = TOP + step * i as f64;
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            top + BAR,
            escape(name)
        );
        for ((j, value), colour) in values.iter().enumerate().zip(colours()) {
            let Some(value) = value else { continue };
            let (y, width) = (top + BAR * j as f64, value * scale);
            let _ = writeln!(
                out,
                "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" \
                 fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\">{}</text>",
                BAR - 2.0,
                LEFT + width + 4.0,
                y + BAR - 4.0,
                number(*value)
            );
        }
    }
    if let Some(mark) = mark {
        let x = LEFT + mark * scale;
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{height:.0}\" stroke=\"black\" \
             stroke-dasharray=\"3 3\"/>",
            TOP - 6.0
        );
    }
    out + "</svg>\n"
}

/// With as many digits as tell something.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_bar_for_each_value() {
        let groups =
            [("a<b".to_owned(), vec![Some(1.0), None]), ("c".to_owned(), vec![Some(2.0); 2])];
        let chart = bars("a title", &["raw", "ours"], &groups, Some(1.0));
        // The ground, two in the legend, three bars.
        assert_eq!(chart.matches("<rect").count(), 6);
        assert!(chart.contains("a&lt;b") && chart.contains("a title"));
        assert!(chart.starts_with("<svg") && chart.ends_with("</svg>\n"));
    }
}

//! A small writer of SVG: shapes and text, nothing else. Every text is escaped here and nowhere else.

use std::fmt::Write as _;

use super::standing::Standing;

/// The ink of words.
pub(super) const INK: &str = "#1c1c1c";
/// The ink of what is said in passing: 7:1 on white.
pub(super) const QUIET: &str = "#565656";
/// Lines that only guide the eye.
pub(super) const GUIDE: &str = "#dcdcd6";
/// The one colour of quantities: blue of Okabe and Ito 2008.
pub(super) const BLUE: &str = "#0072B2";

/// How a shape is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Paint {
    fill: Option<&'static str>,
    stroke: Option<(&'static str, f64)>,
    dash: Option<&'static str>,
    opacity: Option<f64>,
}

impl Paint {
    pub(super) fn fill(colour: &'static str) -> Self {
        Self {
            fill: Some(colour),
            ..Self::default()
        }
    }

    pub(super) fn line(colour: &'static str, width: f64) -> Self {
        Self::default().edge(colour, width)
    }

    pub(super) fn edge(mut self, colour: &'static str, width: f64) -> Self {
        self.stroke = Some((colour, width));
        self
    }

    pub(super) fn dash(mut self, pattern: &'static str) -> Self {
        self.dash = Some(pattern);
        self
    }

    pub(super) fn opacity(mut self, opacity: f64) -> Self {
        self.opacity = Some(opacity);
        self
    }
}

/// Where a text is tied to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    size: f64,
    anchor: Anchor,
    bold: bool,
    colour: &'static str,
    halo: bool,
}

impl Type {
    pub(super) fn of(size: f64) -> Self {
        Self {
            size,
            anchor: Anchor::Start,
            bold: false,
            colour: INK,
            halo: false,
        }
    }

    pub(super) fn at(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    pub(super) fn bold(mut self, bold: bool) -> Self {
        self.bold = bold;
        self
    }

    pub(super) fn quiet(mut self) -> Self {
        self.colour = QUIET;
        self
    }

    /// White letters, on what is dark.
    pub(super) fn white(mut self) -> Self {
        self.colour = "#fff";
        self
    }

    /// White around the letters, for text over lines.
    pub(super) fn halo(mut self) -> Self {
        self.halo = true;
        self
    }
}

/// A picture that is being drawn. Coordinates are pixels of its own box.
#[derive(Debug)]
pub(super) struct Svg {
    head: String,
    body: String,
}

impl Svg {
    /// An empty picture. `name`: a word for its ids, one picture of a page each; `title` and `about` are read out in place
    /// of it.
    pub(super) fn new(name: &str, width: f64, height: f64, title: &str, about: &str) -> Self {
        let (width, height) = (number(width), number(height));
        let head = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{name}-title {name}-about\" font-family=\"'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n<title id=\"{name}-title\">{}</title>\n<desc id=\"{name}-about\">{}</desc>\n",
            escaped(title),
            escaped(about)
        );
        Self {
            head,
            body: String::new(),
        }
    }

    /// The picture's text.
    pub(super) fn finish(self) -> Drawing {
        Drawing(format!("{}{}</svg>", self.head, self.body))
    }

    /// Shapes that belong together; `title` is shown where a pointer rests on them.
    pub(super) fn group(&mut self, title: &str, draw: impl FnOnce(&mut Self)) {
        self.put(format_args!("<g><title>{}</title>\n", escaped(title)));
        draw(self);
        self.put(format_args!("</g>\n"));
    }

    /// Shapes that are seen through a frame that [`Self::define`] named.
    pub(super) fn clipped(&mut self, frame: &'static str, draw: impl FnOnce(&mut Self)) {
        self.put(format_args!("<g clip-path=\"url(#{frame})\">\n"));
        draw(self);
        self.put(format_args!("</g>\n"));
    }

    /// Shapes whose coordinates begin at another point of the picture.
    pub(super) fn shifted(&mut self, (x, y): (f64, f64), draw: impl FnOnce(&mut Self)) {
        self.put(format_args!(
            "<g transform=\"translate({} {})\">\n",
            number(x),
            number(y)
        ));
        draw(self);
        self.put(format_args!("</g>\n"));
    }

    pub(super) fn rect(&mut self, [x, y, width, height]: [f64; 4], radius: f64, paint: Paint) {
        let round = if radius > 0.0 {
            format!(" rx=\"{}\"", number(radius))
        } else {
            String::new()
        };
        self.put(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{round}{}/>\n",
            number(x),
            number(y),
            number(width.max(0.0)),
            number(height.max(0.0)),
            attributes(paint)
        ));
    }

    pub(super) fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], paint: Paint) {
        self.put(format_args!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"{}/>\n",
            number(x1),
            number(y1),
            number(x2),
            number(y2),
            attributes(paint)
        ));
    }

    /// Lines from point to point; `closed`: and back to the first.
    pub(super) fn path(&mut self, lines: &[Vec<(f64, f64)>], closed: bool, paint: Paint) {
        let mut d = String::new();
        for line in lines {
            for (index, (x, y)) in line.iter().enumerate() {
                let letter = if index == 0 { "M" } else { "L" };
                d.push_str(letter);
                d.push_str(&number(*x));
                d.push(' ');
                d.push_str(&number(*y));
            }
            if closed && !line.is_empty() {
                d.push('Z');
            }
        }
        if !d.is_empty() {
            self.put(format_args!("<path d=\"{d}\"{}/>\n", attributes(paint)));
        }
    }

    pub(super) fn circle(&mut self, (x, y): (f64, f64), radius: f64, paint: Paint) {
        self.put(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}/>\n",
            number(x),
            number(y),
            number(radius),
            attributes(paint)
        ));
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), style: Type, text: &str) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if style.bold {
            " font-weight=\"600\""
        } else {
            ""
        };
        let place = format!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{anchor}{weight}",
            number(x),
            number(y),
            number(style.size)
        );
        let text = escaped(text);
        if style.halo {
            // A text of its own below: `paint-order` is not known to everything that prints SVG.
            self.put(format_args!(
                "{place} aria-hidden=\"true\" fill=\"#fff\" stroke=\"#fff\" stroke-width=\"3.5\" stroke-linejoin=\"round\">{text}</text>\n"
            ));
        }
        self.put(format_args!(
            "{place} fill=\"{}\">{text}</text>\n",
            style.colour
        ));
    }

    /// The sign of a standing: a shape of its own, so that nothing hangs on colour.
    pub(super) fn sign(&mut self, (x, y): (f64, f64), radius: f64, standing: Standing) {
        let r = radius;
        let paint = Paint::fill(standing.colour()).edge("#fff", 1.0);
        match standing {
            Standing::Allowed => self.circle((x, y), r, paint),
            Standing::NeedsReview => {
                let r = r * 1.2;
                let corners = vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y)];
                self.path(&[corners], true, paint);
            }
            Standing::LicenceRequired => {
                let r = r * 0.9;
                self.rect([x - r, y - r, 2.0 * r, 2.0 * r], 0.0, paint);
            }
            Standing::Prohibited => {
                let r = r * 0.85;
                let bars = [
                    vec![(x - r, y - r), (x + r, y + r)],
                    vec![(x - r, y + r), (x + r, y - r)],
                ];
                self.path(&bars, false, Paint::line("#fff", r * 0.9));
                self.path(&bars, false, Paint::line(standing.colour(), r * 0.55));
            }
            Standing::CannotRun => {
                self.circle(
                    (x, y),
                    r * 0.85,
                    Paint::fill("#fff").edge(standing.colour(), 1.6),
                );
            }
        }
    }

    /// Standings with their words, in a row; gives the width.
    pub(super) fn legend(&mut self, (x, y): (f64, f64), standings: &[Standing]) -> f64 {
        let mut at = x;
        for standing in standings {
            self.sign((at + 6.0, y - 4.0), 6.0, *standing);
            self.text((at + 17.0, y), Type::of(12.0), standing.words());
            at += 17.0 + width(standing.words(), 12.0) + 20.0;
        }
        at - x
    }

    /// Definitions: gradients and patterns, in the words of SVG. Only texts of this program.
    pub(super) fn define(&mut self, text: &'static str) {
        self.put(format_args!("<defs>{text}</defs>\n"));
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        self.body.write_fmt(text).unwrap_or_default();
    }
}

/// A finished picture. Its texts are escaped, so a template takes it as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawing(String);

impl std::fmt::Display for Drawing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Drawing {}

fn attributes(paint: Paint) -> String {
    let mut out = String::new();
    let mut add = |name: &str, value: &str| {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        out.push_str(value);
        out.push('"');
    };
    // What is only a line is not filled; SVG would fill it black.
    add("fill", paint.fill.unwrap_or("none"));
    if let Some((colour, width)) = paint.stroke {
        add("stroke", colour);
        add("stroke-width", &number(width));
    }
    if let Some(pattern) = paint.dash {
        add("stroke-dasharray", pattern);
    }
    if let Some(opacity) = paint.opacity {
        add("opacity", &format!("{opacity:.2}"));
    }
    out
}

/// A coordinate: one decimal, none where it is whole. What is no number is 0.
pub(super) fn number(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Text for XML: the five characters that mean something, and none that XML has no place for.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(printable(other)),
        }
    }
    out
}

/// Control characters that XML 1.0 forbids become a replacement character.
pub(super) fn printable(letter: char) -> char {
    match letter {
        '\t' | '\n' | '\r' => letter,
        '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        other => other,
    }
}

/// About how wide a text is: letters of a broad sans serif take 0.6 of the size, those of East Asia all of it.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let ems: f64 =
        text.chars()
            .map(|letter| match letter {
                'i' | 'l' | 'j' | 't' | 'f' | 'r' | ' ' | '.' | ',' | ':' | '\'' | '|' | '('
                | ')' => 0.36,
                'm' | 'w' | 'M' | 'W' => 0.86,
                'A'..='Z' => 0.7,
                '\u{1100}'.. => 1.0,
                _ => 0.6,
            })
            .sum();
    ems * size
}

/// A text that is no wider than `room`; what is cut ends in dots.
pub(super) fn cut(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    for letter in text.chars() {
        out.push(letter);
        if width(&out, size) + size > room {
            out.pop();
            break;
        }
    }
    format!("{}\u{2026}", out.trim_end())
}

/// Boxes that are taken, so that labels don't lie on each other.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<[f64; 4]>);

impl Places {
    /// Takes a box, whatever lies there.
    pub(super) fn take(&mut self, taken: [f64; 4]) {
        self.0.push(taken);
    }

    /// The first of some boxes that is free and inside `bounds` (left, top, right, bottom), taken.
    pub(super) fn first_free(&mut self, wanted: &[[f64; 4]], bounds: [f64; 4]) -> Option<usize> {
        let [left, top, right, bottom] = bounds;
        let free = |one: &[f64; 4]| {
            let [x, y, w, h] = *one;
            x >= left
                && y >= top
                && x + w <= right
                && y + h <= bottom
                && self
                    .0
                    .iter()
                    .all(|[a, b, c, d]| x + w <= *a || *a + *c <= x || y + h <= *b || *b + *d <= y)
        };
        let found = wanted.iter().position(free)?;
        self.0.extend(wanted.get(found));
        Some(found)
    }
}

/// Writes a label beside a point where there is room: right, left, above, below. Gives whether there was.
pub(super) fn label(
    svg: &mut Svg,
    places: &mut Places,
    (x, y): (f64, f64),
    text: &str,
    style: Type,
    bounds: [f64; 4],
) -> bool {
    let (w, h) = (width(text, style.size), style.size * 1.2);
    let boxes = [
        [x + 10.0, y - h / 2.0, w, h],
        [x - 10.0 - w, y - h / 2.0, w, h],
        [x - w / 2.0, y - 10.0 - h, w, h],
        [x - w / 2.0, y + 10.0, w, h],
        [x + 10.0, y - h / 2.0 - 13.0, w, h],
        [x + 10.0, y - h / 2.0 + 13.0, w, h],
    ];
    let Some([left, top, _, _]) = places
        .first_free(&boxes, bounds)
        .and_then(|found| boxes.get(found))
    else {
        return false;
    };
    svg.text((*left, top + style.size), style.halo(), text);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_wherever_it_goes() {
        let evil = "<script>&\"'\u{1}";
        let mut svg = Svg::new("a", 10.0, 10.0, evil, evil);
        svg.text((1.0, 2.0), Type::of(9.0), evil);
        svg.group(evil, |svg| svg.sign((1.0, 1.0), 3.0, Standing::Prohibited));
        let text = svg.finish().to_string();
        assert!(!text.contains("<script"), "{text}");
        let parsed = roxmltree::Document::parse(&text).unwrap();
        let texts: Vec<&str> = parsed
            .descendants()
            .filter_map(|node| node.text().filter(|text| text.contains("script")))
            .collect();
        assert!(
            texts.len() >= 4
                && texts
                    .iter()
                    .all(|text| text.contains("<script>&\"'\u{fffd}"))
        );
    }

    #[test]
    fn what_is_no_number_is_none_of_a_picture() {
        assert_eq!(number(f64::NAN), "0");
        assert_eq!(number(f64::INFINITY), "0");
        assert_eq!(
            (
                number(-0.01).as_str(),
                number(12.34).as_str(),
                number(3.0).as_str()
            ),
            ("0", "12.3", "3")
        );
    }

    #[test]
    fn labels_are_cut_to_their_room_and_keep_apart() {
        let short = cut("a very long name of a place", 12.0, 80.0);
        assert!(
            short.ends_with('\u{2026}') && width(&short, 12.0) <= 80.0,
            "{short}"
        );
        assert_eq!(cut("short", 12.0, 80.0), "short");
        let mut places = Places::default();
        let bounds = [0.0, 0.0, 100.0, 100.0];
        assert_eq!(
            places.first_free(&[[0.0, 0.0, 10.0, 10.0]], bounds),
            Some(0)
        );
        assert_eq!(
            places.first_free(&[[5.0, 5.0, 10.0, 10.0], [10.0, 0.0, 10.0, 10.0]], bounds),
            Some(1)
        );
        assert_eq!(
            places.first_free(&[[95.0, 0.0, 10.0, 10.0]], bounds),
            None,
            "out of the picture"
        );
    }
}

//! The expression's slow twin: recursive descent, evaluated while it is read. Written from the grammar and not from the
//! shunting yard:
//!
//! ```text
//!   sum     = product (("+" | "-") product)*
//!   product = signed (("*" | "/") signed)*
//!   signed  = ("-" | "+") signed | power
//!   power   = operand ("^" signed)?              so it binds right, and before a sign in front
//!   operand = number | name | function "(" sum ")" | "(" sum ")"
//! ```

use hedgerow::limits::COMPUTE_TOKENS_MAX;
use hedgerow::proto::path::Path;

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Number(f64),
    Name(String),
    Symbol(u8),
}

/// None: no expression. Else the result; no number if any step had none.
pub(crate) fn evaluate(text: &[u8], value_of: fn(&str) -> f64) -> Option<Option<f64>> {
    let (tokens, names) = split(text)?;
    let mut twin = Twin { tokens: &tokens, at: 0, names, value_of };
    let result = twin.sum()?;
    (twin.at == tokens.len()).then_some(Some(result).filter(|result| result.is_finite()))
}

const FUNCTIONS: [&str; 10] = ["sin", "cos", "tan", "sind", "cosd", "tand", "log", "ln", "sqrt", "abs"];

/// The expression's tokens, and the names of the WHERE part.
fn split(text: &[u8]) -> Option<(Vec<Token>, Vec<String>)> {
    let (mut tokens, mut names, mut count) = (Vec::new(), Vec::new(), 0);
    let mut rest = text;
    loop {
        let Some(next) = token(&mut rest)? else {
            return (count <= COMPUTE_TOKENS_MAX).then_some((tokens, names));
        };
        count += 1;
        if !is(&next, "WHERE") {
            tokens.push(next);
            continue;
        }
        // WHERE, then for each name five tokens: name, =, QUERY, path, AND.
        loop {
            let Some(Token::Name(name)) = token(&mut rest)? else { return None };
            let reserved = FUNCTIONS.iter().chain(&["where", "and", "query"]);
            if reserved.into_iter().any(|word| word.eq_ignore_ascii_case(&name)) || names.contains(&name) {
                return None;
            }
            names.push(name);
            (token(&mut rest)? == Some(Token::Symbol(b'='))).then_some(())?;
            is(&token(&mut rest)??, "QUERY").then_some(())?;
            path(&mut rest)?;
            count += 4;
            match token(&mut rest)? {
                None => return (count <= COMPUTE_TOKENS_MAX).then_some((tokens, names)),
                Some(and) if is(&and, "AND") => count += 1,
                Some(_) => return None,
            }
        }
    }
}

fn is(token: &Token, keyword: &str) -> bool {
    matches!(token, Token::Name(name) if name.eq_ignore_ascii_case(keyword))
}

fn skip_blanks(rest: &mut &[u8]) {
    while let [b' ' | b'\t' | b'\r' | b'\n', tail @ ..] = rest {
        *rest = tail;
    }
}

/// The outer None: no token can begin so. The inner: the end.
fn token(rest: &mut &[u8]) -> Option<Option<Token>> {
    skip_blanks(rest);
    let Some(&first) = rest.first() else { return Some(None) };
    if first.is_ascii_digit() || (first == b'.' && rest.get(1).is_some_and(u8::is_ascii_digit)) {
        // The longest front that std reads as a number. A sign belongs to it only behind an `e`.
        let stays = |(at, &byte): (usize, &u8)| match byte {
            b'+' | b'-' => at > 0 && matches!(rest[at - 1], b'e' | b'E'),
            _ => byte.is_ascii_digit() || b".eE".contains(&byte),
        };
        let most = rest.iter().enumerate().take_while(|&place| stays(place)).count();
        let fits = |len: &usize| {
            let front = std::str::from_utf8(&rest[..*len]).expect("ASCII");
            front.parse::<f64>().is_ok()
        };
        let len = (1..=most).rev().find(fits)?;
        let number = std::str::from_utf8(&rest[..len]).ok()?.parse::<f64>().ok()?;
        *rest = &rest[len..];
        return number.is_finite().then_some(Some(Token::Number(number)));
    }
    if first.is_ascii_alphabetic() || first == b'_' {
        let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = String::from_utf8(rest[..len].to_vec()).expect("ASCII");
        *rest = &rest[len..];
        return Some(Some(Token::Name(name)));
    }
    *rest = &rest[1..];
    Some(Some(Token::Symbol(first)))
}

/// A path, up to a blank outside of quotes.
fn path(rest: &mut &[u8]) -> Option<()> {
    skip_blanks(rest);
    let (mut len, mut quoted, mut escaped) = (0, false, false);
    while let Some(&byte) = rest.get(len) {
        if !quoted && b" \t\r\n".contains(&byte) {
            break;
        }
        quoted ^= byte == b'"' && !escaped;
        escaped = quoted && byte == b'\\' && !escaped;
        len += 1;
    }
    let parsed = Path::new().parse(&rest[..len]);
    *rest = &rest[len..];
    parsed.ok()
}

struct Twin<'t> {
    tokens: &'t [Token],
    at: usize,
    names: Vec<String>,
    value_of: fn(&str) -> f64,
}

impl Twin<'_> {
    /// Takes one of these symbols if it comes.
    fn take(&mut self, symbols: &[u8]) -> Option<u8> {
        match self.tokens.get(self.at) {
            Some(Token::Symbol(symbol)) if symbols.contains(symbol) => {
                self.at += 1;
                Some(*symbol)
            }
            _ => None,
        }
    }

    fn sum(&mut self) -> Option<f64> {
        let mut result = self.product()?;
        while let Some(symbol) = self.take(b"+-") {
            let right = self.product()?;
            result = step(if symbol == b'+' { result + right } else { result - right });
        }
        Some(result)
    }

    fn product(&mut self) -> Option<f64> {
        let mut result = self.signed()?;
        while let Some(symbol) = self.take(b"*/") {
            let right = self.signed()?;
            result = step(if symbol == b'*' { result * right } else { result / right });
        }
        Some(result)
    }

    fn signed(&mut self) -> Option<f64> {
        match self.take(b"+-") {
            Some(b'-') => Some(-self.signed()?),
            Some(_) => self.signed(),
            None => self.power(),
        }
    }

    fn power(&mut self) -> Option<f64> {
        let base = self.operand()?;
        match self.take(b"^") {
            // IEEE's power of 1, and to the 0, is 1 even for what is no number: a step before it is not forgotten.
            Some(_) => {
                let exponent = self.signed()?;
                Some(step(if base.is_nan() || exponent.is_nan() { f64::NAN } else { base.powf(exponent) }))
            }
            None => Some(base),
        }
    }

    fn operand(&mut self) -> Option<f64> {
        if self.take(b"(").is_some() {
            let result = self.sum()?;
            self.take(b")")?;
            return Some(result);
        }
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        match token {
            Token::Number(number) => Some(number),
            Token::Symbol(_) => None,
            Token::Name(name) => match FUNCTIONS.iter().find(|known| known.eq_ignore_ascii_case(&name)) {
                Some(function) => {
                    self.take(b"(")?;
                    let x = self.sum()?;
                    self.take(b")")?;
                    Some(step(apply(function, x)))
                }
                None => self.names.contains(&name).then(|| step((self.value_of)(&name))),
            },
        }
    }
}

/// A result that is infinite is none.
fn step(result: f64) -> f64 {
    if result.is_finite() { result } else { f64::NAN }
}

fn apply(function: &str, x: f64) -> f64 {
    // Degrees are exact at the multiples of 30 (tand: 45): there the twin knows the value by heart.
    let turn = x.rem_euclid(360.0);
    let exact =
        |table: &[(f64, f64)]| table.iter().find(|(angle, _)| *angle == turn).map(|(_, value)| *value);
    let sines =
        [(0., 0.), (30., 0.5), (90., 1.), (150., 0.5), (180., 0.), (210., -0.5), (270., -1.), (330., -0.5)];
    let cosines =
        [(0., 1.), (60., 0.5), (90., 0.), (120., -0.5), (180., -1.), (240., -0.5), (270., 0.), (300., 0.5)];
    match function {
        "sin" => x.sin(),
        "cos" => x.cos(),
        "tan" => x.tan(),
        "sind" => exact(&sines).unwrap_or(turn.to_radians().sin()),
        "cosd" => exact(&cosines).unwrap_or(turn.to_radians().cos()),
        "tand" => match turn {
            0.0 | 180.0 => 0.0,
            45.0 | 225.0 => 1.0,
            90.0 | 270.0 => f64::NAN,
            135.0 | 315.0 => -1.0,
            _ => x.rem_euclid(180.0).to_radians().tan(),
        },
        "log" => x.log10(),
        "ln" => x.ln(),
        "sqrt" => x.sqrt(),
        _ => x.abs(),
    }
}

use proptest::prelude::*;

use super::*;
use crate::limits::COMPUTE_TOKENS_MAX;

fn compute(text: &str, values: &[f64]) -> String {
    let result = Expression::parse(text.as_bytes()).and_then(|expression| expression.evaluate(values));
    result.map_or_else(|error| error.to_string(), formatted)
}

fn formatted(number: f64) -> String {
    let mut out = Vec::new();
    format_number(&mut out, number);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_seeds_expression_is_computed() {
    let text = "2/(x+3*(y+z)) WHERE x = QUERY a.b AND y = QUERY c AND z = QUERY d.e";
    assert_eq!(compute(text, &[1.0, 2.0, 3.0]), "0.125");
    let expression = Expression::parse(text.as_bytes()).unwrap();
    let queries: Vec<_> = expression.queries().iter().map(|(name, path)| format!("{name}={path}")).collect();
    assert_eq!(queries, ["x=a.b", "y=c", "z=d.e"]);
}

#[test]
fn precedence_is_that_of_mathematics() {
    let table = [
        ("-2^2", "-4"),
        ("2^-1", "0.5"),
        ("2^3^2", "512"),
        ("2^-1*3", "1.5"),
        ("2*-3", "-6"),
        ("--3", "3"),
        ("1-2-3", "-4"),
        ("8/4/2", "1"),
        ("1+2*3", "7"),
        ("(1+2)*3", "9"),
        ("-(1+2)^2", "-9"),
        ("+5", "5"),
        ("2^-1^2", "0.5"),
        ("-2*3", "-6"),
        ("2-+3", "-1"),
        ("sqrt(16)^2", "16"),
        ("-sqrt(16)", "-4"),
        ("2^-2^-1", "0.7071067811865476"),
        ("(-2)^2", "4"),
        ("7-4/2", "5"),
        (" 1\n+\t1 ", "2"),
    ];
    for (text, result) in table {
        assert_eq!(compute(text, &[]), result, "{text}");
    }
}

#[test]
fn functions_are_computed() {
    let table = [
        ("sin(0)", "0"),
        ("cos(0)", "1"),
        ("sind(30)", "0.5"),
        ("sind(180)", "0"),
        ("cosd(60)", "0.5"),
        ("cosd(90)", "0"),
        ("tand(45)", "1"),
        ("tand(-45)", "-1"),
        ("sind(-30)", "-0.5"),
        ("sind(450)", "1"),
        ("log(1000)", "3"),
        ("ln(1)", "0"),
        ("sqrt(2)", "1.4142135623730951"),
        ("abs(-3.5)", "3.5"),
        ("SQRT(Abs(-4))", "2"),
        ("sin(1)", "0.8414709848078965"),
        ("tan(1)", "1.5574077246549023"),
        ("cosd(1)", "0.9998476951563913"),
        ("tand(1)", "0.017455064928217585"),
    ];
    for (text, result) in table {
        assert_eq!(compute(text, &[]), result, "{text}");
    }
}

#[test]
fn where_explains_names_in_any_order_and_case() {
    assert_eq!(compute("b-a where a = query x and b = Query \"y z\".q", &[1.0, 3.0]), "2");
    assert_eq!(compute("1 WHERE unused=QUERY a", &[5.0]), "1");
    assert_eq!(compute("x*x + X WHERE x=QUERY a[0] AND X=QUERY AND", &[3.0, 1.0]), "10");
    let expression = Expression::parse(b"x WHERE x = QUERY \"a b\".\"c\\\"d\"").unwrap();
    assert_eq!(expression.queries()[0].1.to_string(), "\"a b\".\"c\\\"d\"");
    assert_eq!(expression.missing(0).to_string(), "\"a b\".\"c\\\"d\" : NOT FOUND at byte 18");
    assert_eq!(expression.not_numeric(0).message(), "\"a b\".\"c\\\"d\" is not a number");
}

#[test]
fn numbers_are_printed_without_a_point_where_they_have_none() {
    let table = [
        (0.0, "0"),
        (-0.0, "0"),
        (12.0, "12"),
        (-4.0, "-4"),
        (0.1, "0.1"),
        (1e15, "1000000000000000"),
        (9007199254740993.0, "9007199254740992"),
        (1e20, "100000000000000000000"),
        (1e21, "1e21"),
        (-1.5e300, "-1.5e300"),
        (-1.5e-7, "-1.5e-7"),
        (123456.75, "123456.75"),
    ];
    for (number, text) in table {
        assert_eq!(formatted(number), text);
        assert_eq!(text.parse::<f64>().unwrap(), number);
    }
}

#[test]
fn errors_name_the_place_and_the_thing() {
    let table = [
        ("", "expected a number, a name or '(' at byte 0"),
        ("1+", "expected a number, a name or '(' at byte 2"),
        ("()", "expected a number, a name or '(' at byte 1"),
        ("1 2", "expected an operator, ')' or WHERE at byte 2"),
        ("2x WHERE x = QUERY a", "expected an operator, ')' or WHERE at byte 1"),
        ("2(3)", "expected an operator, ')' or WHERE at byte 1"),
        ("1 & 2", "expected an operator, ')' or WHERE at byte 2"),
        ("1 + é", "expected a number, a name or '(' at byte 4"),
        ("(1+(2)", "expected a ')' for this '(' at byte 0"),
        ("1+2)", "expected a '(' before this ')' at byte 3"),
        ("sin(1", "expected a ')' for this '(' at byte 3"),
        ("1+sin 1", "expected '(' after the function: sin(...) at byte 2"),
        ("2*x", "unknown name 'x' (WHERE x = QUERY ... explains it) at byte 2"),
        (
            "x+Y WHERE x = QUERY a AND y = QUERY b",
            "unknown name 'Y' (WHERE Y = QUERY ... explains it) at byte 2",
        ),
        ("x WHERE x = QUERY a AND x = QUERY b", "the name 'x' stands twice in WHERE at byte 24"),
        ("x WHERE sin = QUERY a", "'sin' has a meaning of its own: choose another name at byte 8"),
        ("x WHERE and = QUERY a", "'and' has a meaning of its own: choose another name at byte 8"),
        ("x WHERE", "expected a name at byte 7"),
        ("x WHERE x", "expected '=' after the name at byte 9"),
        ("x WHERE x = a.b", "expected QUERY and a path at byte 12"),
        ("x WHERE x = QUERY", "expected a key at byte 17"),
        (
            "x WHERE x = QUERY a..b",
            "expected a name (one with a dot, blank or quote in double quotes) at byte 20",
        ),
        ("x WHERE x = QUERY a, y = QUERY b", "expected AND or the end at byte 21"),
        ("x WHERE x = QUERY a AND", "expected a name at byte 23"),
        ("WHERE x = QUERY a", "expected a number, a name or '(' at byte 0"),
        ("1e999", "expected a number within 1.8e308 at byte 0"),
        ("1/0", "division by zero at byte 1"),
        ("1/(2-2)", "division by zero at byte 1"),
        ("0/0", "division by zero at byte 1"),
        ("1+sqrt(-1)", "the result of 'sqrt' is not a number at byte 2"),
        ("ln(0)", "the result of 'ln' is infinite at byte 0"),
        ("tand(90)", "the result of 'tand' is infinite at byte 0"),
        ("1e308*10", "the result of '*' is infinite at byte 5"),
        ("(-8)^(1/3)", "the result of '^' is not a number at byte 4"),
        ("0^-1", "the result of '^' is infinite at byte 1"),
    ];
    for (text, error) in table {
        assert_eq!(compute(text, &[1.0; 2][..queries(text)]), error, "{text}");
    }
    let unknown = compute("sinh(1)", &[]);
    assert!(unknown.starts_with("unknown function 'sinh'") && unknown.ends_with("at byte 0"), "{unknown}");
    assert_eq!(compute("x WHERE x = QUERY a", &[f64::INFINITY]), "the result of 'x' is infinite at byte 0");
}

fn queries(text: &str) -> usize {
    Expression::parse(text.as_bytes()).map_or(0, |expression| expression.queries().len())
}

#[test]
fn tokens_are_limited_and_depth_costs_no_stack() {
    let sum = |terms: usize| vec!["1"; terms].join("+");
    assert_eq!(compute(&sum(COMPUTE_TOKENS_MAX / 2), &[]), (COMPUTE_TOKENS_MAX / 2).to_string());
    assert_eq!(compute(&sum(COMPUTE_TOKENS_MAX / 2 + 1), &[]), "expected at most 4096 tokens at byte 4096");
    let deep = |depth: usize| "(".repeat(depth) + "1" + &")".repeat(depth);
    assert_eq!(compute(&deep(2_047), &[]), "1");
    assert!(compute(&deep(1_000_000), &[]).starts_with("expected at most 4096 tokens"));
    assert_eq!(compute(&("-".repeat(4_095) + "1"), &[]), "-1");
}

/// The slow twin: an expression as a tree, evaluated by recursion.
#[derive(Clone, Debug)]
enum Tree {
    Number(f64),
    Name(usize),
    Negate(Box<Tree>),
    Binary(char, Box<Tree>, Box<Tree>),
    Function(&'static str, Box<Tree>),
}

impl Tree {
    /// The result, or None where a step has none.
    fn evaluate(&self, values: &[f64]) -> Option<f64> {
        let result = match self {
            Tree::Number(number) => *number,
            Tree::Name(index) => values[*index],
            Tree::Negate(inner) => -inner.evaluate(values)?,
            Tree::Binary(symbol, left, right) => {
                let (left, right) = (left.evaluate(values)?, right.evaluate(values)?);
                match symbol {
                    '+' => left + right,
                    '-' => left - right,
                    '*' => left * right,
                    '/' => left / right,
                    _ => left.powf(right),
                }
            }
            Tree::Function(name, inner) => {
                let x = inner.evaluate(values)?;
                match *name {
                    "sin" => x.sin(),
                    "ln" => x.ln(),
                    "log" => x.log10(),
                    "sqrt" => x.sqrt(),
                    _ => x.abs(),
                }
            }
        };
        Some(result).filter(|result| result.is_finite())
    }

    fn precedence(&self) -> u8 {
        match self {
            Tree::Binary('+' | '-', ..) => 1,
            Tree::Binary('*' | '/', ..) => 2,
            Tree::Negate(_) => 3,
            Tree::Binary(..) => 4,
            _ => 5,
        }
    }

    /// Its text with parentheses only where precedence asks for them.
    fn print(&self, least: u8) -> String {
        let text = match self {
            Tree::Number(number) => format!("{number:?}"),
            Tree::Name(index) => format!("v{index}"),
            // What stands behind a sign binds at least as tight as the sign.
            Tree::Negate(inner) => format!("-{}", inner.print(3)),
            // To the right of `^` a sign may stand without parentheses.
            Tree::Binary('^', left, right) => format!("{}^{}", left.print(5), right.print(3)),
            Tree::Binary(symbol, left, right) => {
                let own = self.precedence();
                format!("{} {symbol}{}", left.print(own), right.print(own + 1))
            }
            Tree::Function(name, inner) => format!("{name} ({})", inner.print(0)),
        };
        if self.precedence() < least { format!("({text})") } else { text }
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let number = prop_oneof![(0..10u32).prop_map(f64::from), 0.0..1e6f64, Just(1e-300), Just(1e300)];
    let leaf = prop_oneof![number.prop_map(Tree::Number), (0..3usize).prop_map(Tree::Name)];
    leaf.prop_recursive(8, 60, 2, |inner| {
        let symbol = prop::sample::select(vec!['+', '-', '*', '/', '^']);
        let function = prop::sample::select(vec!["sin", "ln", "log", "sqrt", "abs"]);
        prop_oneof![
            4 => (symbol, inner.clone(), inner.clone())
                .prop_map(|(symbol, left, right)| Tree::Binary(symbol, Box::new(left), Box::new(right))),
            1 => inner.clone().prop_map(|inner| Tree::Negate(Box::new(inner))),
            1 => (function, inner).prop_map(|(name, inner)| Tree::Function(name, Box::new(inner))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn results_are_those_of_the_naive_evaluator(tree in trees(), values in prop::array::uniform3(-1e3..1e3f64)) {
        let text = format!("{} WHERE v2 = QUERY c AND v0 = QUERY a AND v1 = QUERY b", tree.print(0));
        let expression = Expression::parse(text.as_bytes()).unwrap();
        let ordered = [values[2], values[0], values[1]];
        // A quotient of finite numbers is infinite or no number where the divisor is zero, or beyond all floats.
        prop_assert_eq!(expression.evaluate(&ordered).ok(), tree.evaluate(&values), "{}", text);
    }

    #[test]
    fn any_text_is_an_expression_or_an_error_inside_of_it(
        text in "([0-9.xe+*/^() -]|sin|WHERE|AND|QUERY|=|\"){0,30}",
    ) {
        match Expression::parse(text.as_bytes()) {
            Err(error) => prop_assert!(error.offset <= text.len()),
            Ok(expression) => {
                let values = vec![2.0; expression.queries().len()];
                if let Err(error) = expression.evaluate(&values) {
                    prop_assert!(error.offset < text.len());
                }
            }
        }
    }
}

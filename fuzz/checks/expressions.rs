//! What must hold for any bytes that are read as an expression. Shared by the fuzzer and by the tests.

#[path = "expression_twin.rs"]
mod expression_twin;

use hedgerow::proto::compute::{Expression, format_number};

/// Everything that is promised of any bytes.
pub(crate) fn check(text: &[u8]) {
    let parsed = Expression::parse(text);
    let twin = expression_twin::evaluate(text, value_of);
    let expression = match parsed {
        Ok(expression) => expression,
        Err(error) => {
            assert!(error.offset <= text.len());
            assert_eq!(twin, None, "{error}");
            return;
        }
    };
    let values: Vec<f64> = expression.queries().iter().map(|(name, _)| value_of(name)).collect();
    for (index, (_, path)) in expression.queries().iter().enumerate() {
        assert!(expression.missing(index).message().starts_with(&path.to_string()));
    }
    let result = expression.evaluate(&values);
    assert_eq!(result.as_ref().ok().copied(), twin.expect("it is an expression").filter(|x| x.is_finite()));
    match result {
        Ok(number) => {
            let mut out = Vec::new();
            format_number(&mut out, number);
            let text = std::str::from_utf8(&out).expect("digits are ASCII");
            assert_eq!(text.parse(), Ok(number));
            assert!(number.fract() != 0.0 || number.abs() >= 1e21 || !text.contains('.'), "{text}");
        }
        Err(error) => assert!(error.offset < text.len(), "{error}"),
    }
}

/// The value of a name: something that differs from name to name.
fn value_of(name: &str) -> f64 {
    name.bytes().fold(1.0, |value, byte| value * 1.5 - f64::from(byte) / 7.0)
}

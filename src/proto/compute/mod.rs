//! COMPUTE: `2/(x+3*(y+z)) WHERE x = QUERY a.b AND y = QUERY c AND z = QUERY d.e`.
//!
//! ```text
//!   text ──lexer──▶ tokens ──parser (shunting yard)──▶ code in reverse Polish order ──evaluate──▶ a number
//!                                                      2 x 3 y z + * + /
//! ```
//!
//! Precedence from low to high: `+ -`, `* /`, unary minus, `^`. `^` binds to the right, the others to the left:
//! `-2^2` is -4, `2^-1` a half, `2^3^2` 512. The yard is E. W. Dijkstra's (1961); a sign is an operator that takes
//! nothing off the yard when it comes. Nothing recurses, so an expression's depth costs memory only.

mod error;
mod lexer;
mod operation;
mod parser;

pub use error::{ComputeError, Problem};

use operation::{Code, Operation};

use super::path::Path;
use super::text::write_float;
use crate::limits::COMPUTE_TOKENS_MAX;

/// An expression, ready to be evaluated any number of times.
#[derive(Clone, Debug)]
pub struct Expression {
    code: Vec<Operation>,
    queries: Vec<(String, Path)>,
    /// Where in the text the path of each query begins.
    path_offsets: Vec<usize>,
    /// Numbers that wait for their operator, at most.
    stack_len_max: usize,
}

impl Expression {
    /// Reads an expression with or without its WHERE part.
    pub fn parse(text: &[u8]) -> Result<Expression, ComputeError> {
        Expression::parse_within(text, COMPUTE_TOKENS_MAX)
    }

    /// [`Expression::parse`] of an expression of at most `tokens_max` tokens.
    pub fn parse_within(text: &[u8], tokens_max: usize) -> Result<Expression, ComputeError> {
        parser::parse(text, tokens_max)
    }

    /// The names of the WHERE part with the path of each, in the order of the text. A name that the expression does
    /// not use is among them.
    pub fn queries(&self) -> &[(String, Path)] {
        &self.queries
    }

    /// The result, with `values` for the names of [`Expression::queries`], one for each in the same order.
    ///
    /// A division by zero, and any step whose result is no number or infinite, is an error that names the step.
    pub fn evaluate(&self, values: &[f64]) -> Result<f64, ComputeError> {
        assert_eq!(values.len(), self.queries.len(), "one value for each name of the WHERE part");
        let mut stack = Vec::with_capacity(self.stack_len_max);
        for operation in &self.code {
            let result = match operation.code {
                Code::Number(number) => number,
                Code::Variable(index) => values[index],
                Code::Negate => -pop(&mut stack),
                Code::Function(function) => function.apply(pop(&mut stack)),
                Code::Binary(binary) => {
                    let right = pop(&mut stack);
                    let left = pop(&mut stack);
                    if binary.divides_by(right) {
                        return Err(ComputeError::new(operation.offset, Problem::DivisionByZero));
                    }
                    binary.apply(left, right)
                }
            };
            if !result.is_finite() {
                return Err(self.no_result(operation, result));
            }
            stack.push(result);
        }
        let result = pop(&mut stack);
        assert!(stack.is_empty(), "every number but the result went into an operator");
        Ok(result)
    }

    #[cold]
    fn no_result(&self, operation: &Operation, result: f64) -> ComputeError {
        let name = match operation.code {
            Code::Variable(index) => self.queries[index].0.as_str().into(),
            code => code.name().into(),
        };
        let problem = if result.is_nan() { Problem::NotANumber(name) } else { Problem::Infinite(name) };
        ComputeError::new(operation.offset, problem)
    }

    /// The error to answer when the path of query `index` leads nowhere.
    pub fn missing(&self, index: usize) -> ComputeError {
        let path = self.queries[index].1.to_string().into();
        ComputeError::new(self.path_offsets[index], Problem::Missing(path))
    }

    /// The error to answer when what lies at the path of query `index` is no number.
    pub fn not_numeric(&self, index: usize) -> ComputeError {
        let path = self.queries[index].1.to_string().into();
        ComputeError::new(self.path_offsets[index], Problem::NotNumeric(path))
    }
}

fn pop(stack: &mut Vec<f64>) -> f64 {
    stack.pop().expect("the parser puts an operator behind its operands")
}

/// Appends a result as COMPUTE answers it: an integral one without a point, up to 1e21 with all its digits, any other
/// as the shortest text that reads back the same.
pub fn format_number(out: &mut Vec<u8>, value: f64) {
    assert!(value.is_finite(), "evaluate answers finite numbers only");
    if value == 0.0 {
        out.push(b'0');
    } else if value.fract() == 0.0 && value.abs() < 1e21 {
        out.extend_from_slice(value.to_string().as_bytes());
    } else {
        write_float(out, value);
    }
}

#[cfg(test)]
mod tests;

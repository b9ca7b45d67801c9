//! Tokens to code, by a shunting yard.

use super::Expression;
use super::error::{ComputeError, Problem};
use super::lexer::{Kind, Lexer, Token};
use super::operation::{Binary, Code, Function, Operation};
use crate::proto::path::Path;

pub(super) fn parse(text: &[u8], tokens_max: usize) -> Result<Expression, ComputeError> {
    let mut lexer = Lexer::new(text, tokens_max);
    let mut yard = Yard::default();
    let explained = yard.fill(&mut lexer)?;
    let names = if explained { explanations(&mut lexer)? } else { Vec::new() };
    yard.resolve(&names)?;
    let path_offsets = names.iter().map(|name| name.path_offset).collect();
    let queries = names.into_iter().map(|name| (name.text.to_string(), name.path)).collect();
    Ok(Expression { code: yard.code, queries, path_offsets, stack_len_max: yard.stack_len_max })
}

/// What waits for its operands or for a `)`.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Waiting {
    Open,
    Function(Function),
    Negate,
    Binary(Binary),
}

impl Waiting {
    /// Who binds tighter takes its operands first.
    fn precedence(self) -> u8 {
        match self {
            Waiting::Open | Waiting::Function(_) => 0,
            Waiting::Binary(Binary::Add | Binary::Subtract) => 1,
            Waiting::Binary(Binary::Multiply | Binary::Divide) => 2,
            Waiting::Negate => 3,
            Waiting::Binary(Binary::Power) => 4,
        }
    }
}

#[derive(Default)]
struct Yard<'t> {
    code: Vec<Operation>,
    waiting: Vec<(Waiting, usize)>,
    /// The names in the order in which the code uses them; `Code::Variable` holds the place here until resolved.
    names: Vec<&'t str>,
    stack_len: usize,
    stack_len_max: usize,
}

impl<'t> Yard<'t> {
    /// Reads to WHERE, which is taken, or to the end; whether it was WHERE.
    fn fill(&mut self, lexer: &mut Lexer<'t>) -> Result<bool, ComputeError> {
        loop {
            while !self.operand(lexer)? {}
            let explained = loop {
                let token = lexer.next()?;
                match token.kind {
                    Kind::End => break Some(false),
                    Kind::Name(_) if token.is("WHERE") => break Some(true),
                    Kind::Symbol(b')') => self.close(token.offset)?,
                    Kind::Symbol(symbol) => match Binary::of(symbol) {
                        Some(binary) => {
                            self.operator(binary, token.offset);
                            break None;
                        }
                        None => return Err(ComputeError::new(token.offset, Problem::NoOperator)),
                    },
                    Kind::Name(_) | Kind::Number(_) => {
                        return Err(ComputeError::new(token.offset, Problem::NoOperator));
                    }
                }
            };
            if let Some(explained) = explained {
                self.finish()?;
                return Ok(explained);
            }
        }
    }

    /// Takes a token where an operand should begin; whether that was all of the operand.
    fn operand(&mut self, lexer: &mut Lexer<'t>) -> Result<bool, ComputeError> {
        let token = lexer.next()?;
        match token.kind {
            Kind::Number(number) => self.emit(Code::Number(number), token.offset),
            Kind::Name(name) => return self.name(name, token, lexer),
            Kind::Symbol(b'(') => {
                self.waiting.push((Waiting::Open, token.offset));
                return Ok(false);
            }
            Kind::Symbol(b'-') => {
                self.waiting.push((Waiting::Negate, token.offset));
                return Ok(false);
            }
            Kind::Symbol(b'+') => return Ok(false),
            Kind::Symbol(_) | Kind::End => return Err(ComputeError::new(token.offset, Problem::NoOperand)),
        }
        Ok(true)
    }

    /// A value's name, or a function with its `(`.
    fn name(&mut self, name: &'t str, token: Token<'t>, lexer: &mut Lexer<'t>) -> Result<bool, ComputeError> {
        if token.is("WHERE") {
            return Err(ComputeError::new(token.offset, Problem::NoOperand));
        }
        let called = lexer.peek()?.kind == Kind::Symbol(b'(');
        match (Function::of(name), called) {
            (Some(function), true) => {
                let open = lexer.next()?;
                self.waiting.push((Waiting::Function(function), token.offset));
                self.waiting.push((Waiting::Open, open.offset));
                Ok(false)
            }
            (Some(_), false) => Err(ComputeError::new(token.offset, Problem::FunctionAlone(name.into()))),
            (None, true) => Err(ComputeError::new(token.offset, Problem::UnknownFunction(name.into()))),
            (None, false) => {
                self.names.push(name);
                self.emit(Code::Variable(self.names.len() - 1), token.offset);
                Ok(true)
            }
        }
    }

    /// Who binds tighter than `binary`, or as tight and stands to its left, has its operands.
    fn operator(&mut self, binary: Binary, offset: usize) {
        let precedence = Waiting::Binary(binary).precedence();
        while let Some(&(waiting, at)) = self.waiting.last() {
            let first = waiting.precedence() > precedence
                || (waiting.precedence() == precedence && binary != Binary::Power);
            if !first {
                break;
            }
            self.waiting.pop();
            self.emit_waiting(waiting, at);
        }
        self.waiting.push((Waiting::Binary(binary), offset));
    }

    fn close(&mut self, offset: usize) -> Result<(), ComputeError> {
        loop {
            match self.waiting.pop() {
                None => return Err(ComputeError::new(offset, Problem::Unopened)),
                Some((Waiting::Open, _)) => break,
                Some((waiting, at)) => self.emit_waiting(waiting, at),
            }
        }
        if let Some(&(Waiting::Function(function), at)) = self.waiting.last() {
            self.waiting.pop();
            self.emit(Code::Function(function), at);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ComputeError> {
        while let Some((waiting, at)) = self.waiting.pop() {
            if waiting == Waiting::Open {
                return Err(ComputeError::new(at, Problem::Unclosed));
            }
            self.emit_waiting(waiting, at);
        }
        assert_eq!(self.stack_len, 1, "an expression leaves one number");
        Ok(())
    }

    fn emit_waiting(&mut self, waiting: Waiting, offset: usize) {
        match waiting {
            Waiting::Negate => self.emit(Code::Negate, offset),
            Waiting::Binary(binary) => self.emit(Code::Binary(binary), offset),
            Waiting::Open | Waiting::Function(_) => {
                unreachable!("a '(' lies above its function until it is closed")
            }
        }
    }

    fn emit(&mut self, code: Code, offset: usize) {
        match code {
            Code::Number(_) | Code::Variable(_) => self.stack_len += 1,
            Code::Binary(_) => self.stack_len -= 1,
            Code::Negate | Code::Function(_) => {}
        }
        self.stack_len_max = self.stack_len_max.max(self.stack_len);
        self.code.push(Operation { code, offset });
    }

    /// Gives every name in the code the query that explains it.
    fn resolve(&mut self, explained: &[Name<'_>]) -> Result<(), ComputeError> {
        let mut sorted: Vec<usize> = (0..explained.len()).collect();
        // Stable: of two that are the same the later one is the duplicate.
        sorted.sort_by_key(|&index| explained[index].text);
        let duplicate = sorted.windows(2).filter(|pair| explained[pair[0]].text == explained[pair[1]].text);
        if let Some(name) = duplicate.map(|pair| &explained[pair[1]]).min_by_key(|name| name.offset) {
            return Err(ComputeError::new(name.offset, Problem::DuplicateName(name.text.into())));
        }
        for operation in &mut self.code {
            if let Code::Variable(use_index) = operation.code {
                let name = self.names[use_index];
                let place = sorted
                    .binary_search_by_key(&name, |&index| explained[index].text)
                    .map_err(|_| ComputeError::new(operation.offset, Problem::UnknownName(name.into())))?;
                operation.code = Code::Variable(sorted[place]);
            }
        }
        Ok(())
    }
}

/// `name = QUERY path` of the WHERE part.
struct Name<'t> {
    text: &'t str,
    offset: usize,
    path: Path,
    path_offset: usize,
}

/// The WHERE part, behind its keyword.
fn explanations<'t>(lexer: &mut Lexer<'t>) -> Result<Vec<Name<'t>>, ComputeError> {
    let mut names = Vec::new();
    loop {
        let token = lexer.next()?;
        let Kind::Name(text) = token.kind else {
            return Err(ComputeError::new(token.offset, Problem::NoName));
        };
        if Function::of(text).is_some() || ["WHERE", "AND", "QUERY"].iter().any(|keyword| token.is(keyword)) {
            return Err(ComputeError::new(token.offset, Problem::ReservedName(text.into())));
        }
        let equals = lexer.next()?;
        if equals.kind != Kind::Symbol(b'=') {
            return Err(ComputeError::new(equals.offset, Problem::NoEquals));
        }
        let query = lexer.next()?;
        if !query.is("QUERY") {
            return Err(ComputeError::new(query.offset, Problem::NoQuery));
        }
        let (path, path_offset) = lexer.path()?;
        names.push(Name { text, offset: token.offset, path, path_offset });
        let and = lexer.next()?;
        match and.kind {
            Kind::End => return Ok(names),
            Kind::Name(_) if and.is("AND") => {}
            _ => return Err(ComputeError::new(and.offset, Problem::NoAnd)),
        }
    }
}

//! The steps of an evaluation.

/// One step: takes its operands off the stack and leaves its result there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Operation {
    pub(super) code: Code,
    /// Where it stands in the text.
    pub(super) offset: usize,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Code {
    Number(f64),
    /// The value of the query with this index.
    Variable(usize),
    Negate,
    Binary(Binary),
    Function(Function),
}

impl Code {
    /// The step as the user wrote it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Code::Number(_) => "number",
            Code::Variable(_) => "name",
            Code::Negate => "-",
            Code::Binary(binary) => binary.name(),
            Code::Function(function) => function.name(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

impl Binary {
    pub(super) fn of(symbol: u8) -> Option<Binary> {
        Some(match symbol {
            b'+' => Binary::Add,
            b'-' => Binary::Subtract,
            b'*' => Binary::Multiply,
            b'/' => Binary::Divide,
            b'^' => Binary::Power,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
            Binary::Power => "^",
        }
    }

    pub(super) fn divides_by(self, right: f64) -> bool {
        self == Binary::Divide && right == 0.0
    }

    pub(super) fn apply(self, left: f64, right: f64) -> f64 {
        match self {
            Binary::Add => left + right,
            Binary::Subtract => left - right,
            Binary::Multiply => left * right,
            Binary::Divide => left / right,
            Binary::Power => left.powf(right),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Function {
    Sin,
    Cos,
    Tan,
    SinDegrees,
    CosDegrees,
    TanDegrees,
    Log,
    Ln,
    Sqrt,
    Abs,
}

const FUNCTIONS: [(&str, Function); 10] = [
    ("sin", Function::Sin),
    ("cos", Function::Cos),
    ("tan", Function::Tan),
    ("sind", Function::SinDegrees),
    ("cosd", Function::CosDegrees),
    ("tand", Function::TanDegrees),
    ("log", Function::Log),
    ("ln", Function::Ln),
    ("sqrt", Function::Sqrt),
    ("abs", Function::Abs),
];

impl Function {
    /// The function of this name, in any case.
    pub(super) fn of(name: &str) -> Option<Function> {
        FUNCTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, function)| function)
    }

    pub(super) fn name(self) -> &'static str {
        FUNCTIONS.iter().find(|&&(_, known)| known == self).expect("the table holds every function").0
    }

    pub(super) fn apply(self, x: f64) -> f64 {
        match self {
            Function::Sin => x.sin(),
            Function::Cos => x.cos(),
            Function::Tan => x.tan(),
            Function::SinDegrees => sin_degrees(x),
            Function::CosDegrees => cos_degrees(x),
            Function::TanDegrees => tan_degrees(x),
            Function::Log => x.log10(),
            Function::Ln => x.ln(),
            Function::Sqrt => x.sqrt(),
            Function::Abs => x.abs(),
        }
    }
}

/// Exact where the exact sine is a float, which `sin(x * pi / 180)` is not: sind(180) is 0, sind(30) a half.
fn sin_degrees(degrees: f64) -> f64 {
    match degrees.rem_euclid(360.0) {
        0.0 | 180.0 => 0.0,
        30.0 | 150.0 => 0.5,
        90.0 => 1.0,
        210.0 | 330.0 => -0.5,
        270.0 => -1.0,
        turn => turn.to_radians().sin(),
    }
}

fn cos_degrees(degrees: f64) -> f64 {
    match degrees.rem_euclid(360.0) {
        0.0 => 1.0,
        60.0 | 300.0 => 0.5,
        90.0 | 270.0 => 0.0,
        120.0 | 240.0 => -0.5,
        180.0 => -1.0,
        turn => turn.to_radians().cos(),
    }
}

fn tan_degrees(degrees: f64) -> f64 {
    match degrees.rem_euclid(180.0) {
        0.0 => 0.0,
        45.0 => 1.0,
        90.0 => f64::INFINITY,
        135.0 => -1.0,
        turn => turn.to_radians().tan(),
    }
}

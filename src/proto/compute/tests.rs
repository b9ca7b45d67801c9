use super::*;

fn compute(text: &str, values: &[f64]) -> String {
    let result = Expression::parse(text.as_bytes()).and_then(|expression| expression.evaluate(values));
    match result {
        Ok(number) => {
            let mut out = Vec::new();
            format_number(&mut out, number);
            String::from_utf8(out).unwrap()
        }
        Err(error) => error.to_string(),
    }
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
    ];
    for (text, result) in table {
        assert_eq!(compute(text, &[]), result, "{text}");
    }
}

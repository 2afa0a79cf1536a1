//! Walking expressions of HCL: what they refer to, and every object in them. Names that a `for` binds are
//! its own and no references.

use hcl::expr::{Expression, ForExpr, Operation, TraversalOperator};
use hcl::template::{Directive, Element, Template};
use hcl::{Body, Structure};

/// A reference, part by part: `var`, `region`; an index ends it.
pub type Reference = Vec<String>;

/// Arguments that name things in another way than references do.
const NOT_REFERENCES: [&str; 2] = ["type", "ignore_changes"];

/// Every reference in a body and the blocks in it.
pub fn references(body: &Body) -> Vec<Reference> {
    let mut found = Vec::new();
    visit(body, &mut |expression| collect(expression, &[], &mut found));
    found
}

/// Calls `each` with every argument's expression.
pub fn visit(body: &Body, each: &mut impl FnMut(&Expression)) {
    for structure in body {
        match structure {
            Structure::Attribute(one) if NOT_REFERENCES.contains(&one.key()) => {}
            Structure::Attribute(one) => each(one.expr()),
            Structure::Block(block) => visit(block.body(), each),
        }
    }
}

fn collect(expression: &Expression, bound: &[String], found: &mut Vec<Reference>) {
    match expression {
        Expression::Variable(name) => add(vec![name.to_string()], bound, found),
        Expression::Traversal(traversal) => {
            if let Expression::Variable(name) = &traversal.expr {
                let mut path = vec![name.to_string()];
                for operator in &traversal.operators {
                    let TraversalOperator::GetAttr(part) = operator else {
                        break;
                    };
                    path.push(part.to_string());
                }
                add(path, bound, found);
            } else {
                collect(&traversal.expr, bound, found);
            }
            for operator in &traversal.operators {
                if let TraversalOperator::Index(index) = operator {
                    collect(index, bound, found);
                }
            }
        }
        Expression::ForExpr(each) => of_for(each, bound, found),
        Expression::TemplateExpr(text) => {
            let template = Template::from_expr(text).expect("a template");
            of_template(&template, bound, found);
        }
        other => parts(other, &mut |part| collect(part, bound, found)),
    }
}

fn add(path: Reference, bound: &[String], found: &mut Vec<Reference>) {
    if !bound.contains(&path[0]) {
        found.push(path);
    }
}

fn of_for(each: &ForExpr, bound: &[String], found: &mut Vec<Reference>) {
    collect(&each.collection_expr, bound, found);
    let mut bound = bound.to_vec();
    bound.push(each.value_var.to_string());
    bound.extend(each.key_var.as_ref().map(ToString::to_string));
    let inner = [&each.key_expr, &each.cond_expr];
    for part in inner.into_iter().flatten().chain([&each.value_expr]) {
        collect(part, &bound, found);
    }
}

fn of_template(template: &Template, bound: &[String], found: &mut Vec<Reference>) {
    for element in template.elements() {
        match element {
            Element::Literal(_) => {}
            Element::Interpolation(one) => collect(&one.expr, bound, found),
            Element::Directive(directive) => match &**directive {
                Directive::If(either) => {
                    collect(&either.cond_expr, bound, found);
                    of_template(&either.true_template, bound, found);
                    if let Some(other) = &either.false_template {
                        of_template(other, bound, found);
                    }
                }
                Directive::For(each) => {
                    collect(&each.collection_expr, bound, found);
                    let mut bound = bound.to_vec();
                    bound.push(each.value_var.to_string());
                    bound.extend(each.key_var.as_ref().map(ToString::to_string));
                    of_template(&each.template, &bound, found);
                }
            },
        }
    }
}

/// The direct parts of an expression that binds no names.
fn parts(expression: &Expression, each: &mut impl FnMut(&Expression)) {
    match expression {
        Expression::Array(items) => items.iter().for_each(each),
        Expression::Object(fields) => {
            for (key, value) in fields {
                // A plain word as a key is a name; in parentheses it is an expression.
                if let hcl::ObjectKey::Expression(key) = key {
                    each(key);
                }
                each(value);
            }
        }
        Expression::FuncCall(call) => call.args.iter().for_each(each),
        Expression::Parenthesis(inner) => each(inner),
        Expression::Conditional(either) => {
            [&either.cond_expr, &either.true_expr, &either.false_expr]
                .into_iter()
                .for_each(each);
        }
        Expression::Operation(operation) => match &**operation {
            Operation::Unary(one) => each(&one.expr),
            Operation::Binary(two) => [&two.lhs_expr, &two.rhs_expr].into_iter().for_each(each),
        },
        _ => {}
    }
}

/// The keys of an object with their values.
pub type Pairs<'a> = [(String, &'a Expression)];

/// Calls `each` with every object in an expression, as pairs of key and value.
pub fn objects(expression: &Expression, each: &mut dyn FnMut(&Pairs<'_>)) {
    match expression {
        Expression::Object(fields) => {
            let name = |key: &hcl::ObjectKey| key.to_string().trim_matches('"').to_owned();
            let pairs: Vec<(String, &Expression)> = fields
                .iter()
                .map(|(key, value)| (name(key), value))
                .collect();
            each(&pairs);
            for (_, value) in &pairs {
                objects(value, each);
            }
        }
        Expression::ForExpr(one) => {
            objects(&one.collection_expr, each);
            objects(&one.value_expr, each);
        }
        Expression::Traversal(one) => objects(&one.expr, each),
        other => parts(other, &mut |part| objects(part, each)),
    }
}

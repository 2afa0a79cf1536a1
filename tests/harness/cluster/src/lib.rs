#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope { Everywhere, Applications, ArgoCd }
pub struct Rule { pub group: &'static str, pub resource: &'static str, pub verbs: &'static [&'static str], pub scope: Scope }
pub fn rules() -> Vec<Rule> { vec![] }

//! Schemas of the model's closed sets of words, taken from the model itself so that the description
//! cannot fall behind it, and of the forms that texts have.

use model::health::HealthStatus;
use model::instance::InstanceState;
use model::operation::{OperationKind, OperationState, StepName, StepState};
use model::release::Channel;
use model::token::{EndReason, OnLeak, TokenState};
use model::user::Role;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words.collect::<Vec<_>>()))
}

/// `healthy` and its four worse companions.
#[must_use]
pub fn health_status() -> Object {
    one_of(HealthStatus::ALL.iter().map(|it| it.as_str())).build()
}

/// Where an instance is in its life.
#[must_use]
pub fn instance_state() -> Object {
    one_of(InstanceState::ALL.iter().map(|it| it.as_str())).build()
}

/// What is done to an instance.
#[must_use]
pub fn operation_kind() -> Object {
    one_of(OperationKind::ALL.iter().map(|it| it.as_str())).build()
}

/// Where an operation is.
#[must_use]
pub fn operation_state() -> Object {
    one_of(OperationState::ALL.iter().map(|it| it.as_str())).build()
}

/// A step of an operation.
#[must_use]
pub fn step_name() -> Object {
    one_of(StepName::ALL.iter().map(|it| it.as_str())).build()
}

/// Where a step is.
#[must_use]
pub fn step_state() -> Object {
    one_of(StepState::ALL.iter().map(|it| it.as_str())).build()
}

/// Where a release is in its life.
#[must_use]
pub fn channel() -> Object {
    one_of(Channel::ALL.iter().map(|it| it.as_str())).build()
}

/// A role among the staff or in a tenant.
#[must_use]
pub fn role() -> Object {
    one_of(Role::ALL.iter().map(|it| it.as_str())).build()
}

/// A role, or null.
#[must_use]
pub fn role_or_null() -> Object {
    let either = SchemaType::from_iter([Type::String, Type::Null]);
    one_of(Role::ALL.iter().map(|it| it.as_str()))
        .schema_type(either)
        .build()
}

/// Where a token is in its life.
#[must_use]
pub fn token_state() -> Object {
    one_of(TokenState::ALL.iter().map(|it| it.as_str())).build()
}

/// Why a token ended, or null.
#[must_use]
pub fn end_reason_or_null() -> Object {
    let either = SchemaType::from_iter([Type::String, Type::Null]);
    one_of(EndReason::ALL.iter().map(|it| it.as_str()))
        .schema_type(either)
        .build()
}

/// What a reported leak does.
#[must_use]
pub fn on_leak() -> Object {
    one_of(OnLeak::ALL.iter().map(|it| it.as_str())).build()
}

/// Development or production.
#[must_use]
pub fn purpose() -> Object {
    one_of(model::cluster::Purpose::ALL.iter().map(|it| it.as_str())).build()
}

/// Who must act.
#[must_use]
pub fn who() -> Object {
    one_of(["atala", "tenant", "upstream"].into_iter()).build()
}

/// A part of an instance.
#[must_use]
pub fn part() -> Object {
    let parts = [
        "gateway",
        "agent",
        "enterprise_agent",
        "registry_node",
        "database",
        "certificate",
        "secrets",
        "deployment",
    ];
    one_of(parts.into_iter()).build()
}

#[cfg(test)]
mod tests {
    use model::view::Part;

    use super::*;

    fn words(schema: &Object) -> Vec<String> {
        let values = schema.enum_values.as_ref().unwrap();
        values
            .iter()
            .map(|v| v.as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn parts_are_those_of_the_model() {
        let known = Part::ALL.map(|part| serde_json::to_value(part).unwrap());
        let known: Vec<_> = known
            .iter()
            .map(|v| v.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(words(&part()), known);
    }

    #[test]
    fn who_must_act_is_one_of_three() {
        use model::cause::Who;
        let known = [Who::Atala, Who::Tenant, Who::Upstream];
        let known: Vec<_> = known
            .iter()
            .map(|w| serde_json::to_value(w).unwrap())
            .collect();
        assert_eq!(
            words(&who()),
            known
                .iter()
                .map(|v| v.as_str().unwrap())
                .collect::<Vec<_>>()
        );
    }
}

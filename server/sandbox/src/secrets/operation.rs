//! The operations of the Secrets Manager that the control plane and the cluster need.

use super::Refusal;
use super::vault::{add, staged, stages, token, value, version};
use crate::clock;
use crate::cluster::Cluster;
use crate::object;
use crate::resource::Kind;
use crate::store::Key;
use crate::store::delete::Deletion;
use crate::store::write::Write;
use serde_json::{Value, json};

const MANAGER: &str = "secretsmanager";
const DAY: f64 = 86_400.0;

/// Carries out one operation by its name.
pub fn perform(cluster: &Cluster, operation: &str, input: &Value) -> Result<Value, Refusal> {
    if !input.is_object() {
        return Err(Refusal::new(
            "SerializationException",
            "the request is not a JSON object",
        ));
    }
    match operation {
        "CreateSecret" => create(cluster, input),
        "PutSecretValue" => put(cluster, input),
        "DescribeSecret" => describe(cluster, input),
        "DeleteSecret" => delete(cluster, input),
        "RestoreSecret" => restore(cluster, input),
        "TagResource" => tag(cluster, input),
        "ListSecrets" => list(cluster, input),
        "GetSecretValue" => Err(Refusal::new(
            "AccessDeniedException",
            "User: arn:aws:sts::000000000000:assumed-role/control-plane is not authorized to \
             perform: secretsmanager:GetSecretValue because no identity-based policy allows the \
             secretsmanager:GetSecretValue action",
        )),
        other => Err(Refusal::new(
            "UnknownOperationException",
            format!("the sandbox's Secrets Manager does not know the operation \"{other}\""),
        )),
    }
}

/// A value for the cluster's External Secrets: by name, stage or `uuid/<version>`, and property.
pub fn read_value(
    cluster: &Cluster,
    name: &str,
    wished: &str,
    property: &str,
) -> Result<String, Refusal> {
    if let Some(refusal) = super::trouble(cluster) {
        return Err(refusal);
    }
    let entry = present(cluster, name)?;
    let found = match wished.strip_prefix("uuid/") {
        Some(id) => version(&entry, id),
        None if wished.is_empty() => staged(&entry, "AWSCURRENT"),
        None => staged(&entry, wished),
    };
    let missing = || {
        let why = "Secrets Manager can't find the specified secret value for the version asked for";
        Refusal::new("ResourceNotFoundException", why)
    };
    let text = object::text_or_empty(found.ok_or_else(missing)?, "/value/SecretString").to_owned();
    if property.is_empty() {
        return Ok(text);
    }
    let parsed: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    match parsed.get(property) {
        Some(Value::String(value)) => Ok(value.clone()),
        Some(other) => Ok(other.to_string()),
        None => Err(Refusal::new(
            "KeyNotFound",
            format!("key {property} does not exist in secret {name}"),
        )),
    }
}

fn key(name: &str) -> Key {
    Key::new(Kind::VaultEntry, "", name)
}

fn arn(cluster: &Cluster, name: &str) -> String {
    format!(
        "arn:aws:secretsmanager:{}:000000000000:secret:{name}-sandbx",
        cluster.seed.region
    )
}

/// The name behind a `SecretId`, which may be an ARN.
fn name(input: &Value) -> Result<String, Refusal> {
    let id = object::text_or_empty(input, "/SecretId");
    if id.is_empty() {
        return Err(Refusal::new(
            "ValidationException",
            "SecretId must not be empty",
        ));
    }
    let after = id.split(":secret:").nth(1);
    Ok(after
        .map_or(id, |rest| rest.strip_suffix("-sandbx").unwrap_or(rest))
        .to_owned())
}

fn not_found() -> Refusal {
    Refusal::new(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

/// The entry of a name that is not marked for deletion.
fn present(cluster: &Cluster, name: &str) -> Result<Value, Refusal> {
    let entry = cluster
        .store
        .object(Kind::VaultEntry, "", name)
        .ok_or_else(not_found)?;
    if entry["deleted"].is_null() {
        return Ok(entry);
    }
    let why = "You can't perform this operation on the secret because it was marked for deletion.";
    Err(Refusal::new("InvalidRequestException", why))
}

/// Changes an entry; again when somebody else wrote meanwhile.
fn change(
    cluster: &Cluster,
    name: &str,
    mut how: impl FnMut(&mut Value) -> Result<Value, Refusal>,
) -> Result<Value, Refusal> {
    loop {
        let old = cluster
            .store
            .get(Kind::VaultEntry, "", name)
            .ok_or_else(not_found)?;
        let mut entry = old.value();
        let output = how(&mut entry)?;
        match cluster.store.replace(&old, entry, &Write::by(MANAGER)) {
            Ok(_) => return Ok(output),
            Err(failure) if failure.reason == "Conflict" => {}
            Err(failure) => return Err(Refusal::new("InternalServiceError", failure.message)),
        }
    }
}

fn create(cluster: &Cluster, input: &Value) -> Result<Value, Refusal> {
    let name = object::text_or_empty(input, "/Name").to_owned();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if name.is_empty() || name.len() > 512 || !name.chars().all(allowed) {
        return Err(Refusal::new(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
             following: -/_+=.@!",
        ));
    }
    let id = token(input, || cluster.store.fresh_uid(Kind::VaultEntry, &name))?;
    let content = value(input)?;
    let made = |entry: &Value| {
        let mut output = json!({"ARN": arn(cluster, &name), "Name": name});
        if entry["versions"].is_array() {
            output["VersionId"] = json!(id);
        }
        output
    };
    if let Some(entry) = cluster.store.object(Kind::VaultEntry, "", &name) {
        if !entry["deleted"].is_null() {
            let why = "You can't create this secret because a secret with this name is already \
                       scheduled for deletion.";
            return Err(Refusal::new("InvalidRequestException", why));
        }
        let same =
            version(&entry, &id).is_some_and(|there| Some(&there["value"]) == content.as_ref());
        if same {
            return Ok(made(&entry));
        }
        let why = format!("The operation failed because the secret {name} already exists.");
        return Err(Refusal::new("ResourceExistsException", why));
    }
    let mut entry = json!({
        "metadata": {"name": name},
        "description": input["Description"],
        "tags": input["Tags"].as_array().cloned().unwrap_or_default(),
        "created": clock::epoch_seconds(),
    });
    if let Some(content) = &content {
        add(&mut entry, &id, content, &["AWSCURRENT".to_owned()])?;
    }
    let output = made(&entry);
    match cluster
        .store
        .create(Kind::VaultEntry, entry, &Write::by(MANAGER))
    {
        Ok(_) => Ok(output),
        // Somebody made it in between: judge again against what is there.
        Err(failure) if failure.reason == "AlreadyExists" => create(cluster, input),
        Err(failure) => Err(Refusal::new("InternalServiceError", failure.message)),
    }
}

fn put(cluster: &Cluster, input: &Value) -> Result<Value, Refusal> {
    let name = name(input)?;
    present(cluster, &name)?;
    let id = token(input, || cluster.store.fresh_uid(Kind::VaultEntry, &name))?;
    let content = value(input)?.ok_or_else(|| {
        let why = "You must provide either SecretString or SecretBinary.";
        Refusal::new("InvalidRequestException", why)
    })?;
    let wished: Vec<String> = match input["VersionStages"].as_array() {
        Some(list) => list
            .iter()
            .filter_map(|stage| stage.as_str().map(str::to_owned))
            .collect(),
        None => vec!["AWSCURRENT".to_owned()],
    };
    change(cluster, &name, |entry| {
        add(entry, &id, &content, &wished)?;
        let stages = version(entry, &id).map(|version| version["stages"].clone());
        Ok(json!({
            "ARN": arn(cluster, &name), "Name": name, "VersionId": id, "VersionStages": stages,
        }))
    })
}

fn describe(cluster: &Cluster, input: &Value) -> Result<Value, Refusal> {
    let name = name(input)?;
    let entry = cluster
        .store
        .object(Kind::VaultEntry, "", &name)
        .ok_or_else(not_found)?;
    Ok(description(cluster, &entry))
}

fn description(cluster: &Cluster, entry: &Value) -> Value {
    let name = object::name(entry);
    let mut output = json!({
        "ARN": arn(cluster, name),
        "Name": name,
        "Tags": entry["tags"],
        "CreatedDate": entry["created"],
        "LastChangedDate": entry["changed"],
        "VersionIdsToStages": stages(entry),
    });
    for (field, from) in [("Description", "description"), ("DeletedDate", "deleted")] {
        if !entry[from].is_null() {
            output[field] = entry[from].clone();
        }
    }
    if output["LastChangedDate"].is_null() {
        object::remove(&mut output, &["LastChangedDate"]);
    }
    output
}

fn delete(cluster: &Cluster, input: &Value) -> Result<Value, Refusal> {
    let name = name(input)?;
    let force = input["ForceDeleteWithoutRecovery"] == true;
    let days = input["RecoveryWindowInDays"].as_i64();
    if force && days.is_some() {
        let why = "You can't use ForceDeleteWithoutRecovery in conjunction with \
                   RecoveryWindowInDays.";
        return Err(Refusal::new("InvalidParameterException", why));
    }
    let days = days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        let why = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";
        return Err(Refusal::new("InvalidParameterException", why));
    }
    let now = clock::epoch_seconds();
    let output = |at: f64| json!({"ARN": arn(cluster, &name), "Name": name, "DeletionDate": at});
    if force {
        // Deleting by force what is not there succeeds, as in the service.
        let _ = cluster.store.delete(&key(&name), &Deletion::now());
        return Ok(output(now));
    }
    present(cluster, &name)?;
    let wait = f64::from(u8::try_from(days).unwrap_or(30)) * DAY;
    change(cluster, &name, |entry| {
        entry["deleted"] = json!(now);
        Ok(output(now + wait))
    })
}

fn restore(cluster: &Cluster, input: &Value) -> Result<Value, Refusal> {
    let name = name(input)?;
    change(cluster, &name, |entry| {
        object::remove(entry, &["deleted"]);
        Ok(json!({"ARN": arn(cluster, &name), "Name": name}))
    })
}

fn tag(cluster: &Cluster, input: &Value) -> Result<Value, Refusal> {
    let name = name(input)?;
    present(cluster, &name)?;
    let tags = input["Tags"].as_array().cloned().ok_or_else(|| {
        Refusal::new(
            "InvalidParameterException",
            "Tags must be a list of keys and values",
        )
    })?;
    change(cluster, &name, |entry| {
        if let Some(there) = object::slot(entry, &["tags"], || json!([])).as_array_mut() {
            for tag in &tags {
                there.retain(|old| old["Key"] != tag["Key"]);
                there.push(tag.clone());
            }
        }
        Ok(json!({}))
    })
}

fn list(cluster: &Cluster, input: &Value) -> Result<Value, Refusal> {
    let most = input["MaxResults"].as_u64().unwrap_or(100).clamp(1, 100);
    let most = usize::try_from(most).unwrap_or(100);
    let after = input["NextToken"].as_str().map(|name| ("", name));
    let (all, _) = cluster.store.page(Kind::VaultEntry, None, after);
    let deleted_too = input["IncludePlannedDeletion"] == true;
    let mut found: Vec<Value> = Vec::new();
    let mut next = None;
    for entry in all {
        let value = entry.value();
        if (!deleted_too && !value["deleted"].is_null()) || !filtered(input, &value)? {
            continue;
        }
        if found.len() == most {
            next = found.last().map(|last| last["Name"].clone());
            break;
        }
        let mut output = description(cluster, &value);
        let stages = object::remove(&mut output, &["VersionIdsToStages"]).unwrap_or(Value::Null);
        output["SecretVersionsToStages"] = stages;
        found.push(output);
    }
    let mut output = json!({"SecretList": found});
    if let Some(next) = next {
        output["NextToken"] = next;
    }
    Ok(output)
}

/// Whether an entry passes the filters; the service compares beginnings, a `!` negates.
fn filtered(input: &Value, entry: &Value) -> Result<bool, Refusal> {
    for filter in input["Filters"].as_array().into_iter().flatten() {
        let tags = entry["tags"].as_array().map_or(&[][..], Vec::as_slice);
        let texts: Vec<&str> = match filter["Key"].as_str().unwrap_or("") {
            "name" => vec![object::name(entry)],
            "description" => vec![object::text_or_empty(entry, "/description")],
            "tag-key" => tags.iter().filter_map(|tag| tag["Key"].as_str()).collect(),
            "tag-value" => tags
                .iter()
                .filter_map(|tag| tag["Value"].as_str())
                .collect(),
            other => {
                let why = format!("the filter key \"{other}\" is not known");
                return Err(Refusal::new("InvalidParameterException", why));
            }
        };
        let wished = filter["Values"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let (negated, plain): (Vec<&str>, Vec<&str>) =
            wished.partition(|text| text.starts_with('!'));
        let hit = |wish: &str| texts.iter().any(|text| text.starts_with(wish));
        if negated.iter().any(|wish| hit(&wish[1..]))
            || (!plain.is_empty() && !plain.iter().any(|wish| hit(wish)))
        {
            return Ok(false);
        }
    }
    Ok(true)
}

//! The audit trail: whoever changes it past the program is found out, and where.

use model::user::{StaffRole, TenantRole};
use model::{Actor, TenantId};
use service::AuditFilter;
use service::audit::{Heads, Tampering};
use tests::services::{TestServices, origin};

/// A tenant with a chain of five rows.
async fn five_rows(test: &TestServices) -> TenantId {
    let id = test.tenant("Name 1").await;
    for number in 2..=5 {
        let name = format!("Name {number}");
        test.services
            .tenant
            .rename(&Actor::Operator, id, &name, &origin())
            .await
            .unwrap();
    }
    id
}

async fn tampering(test: &TestServices, id: TenantId) -> Vec<Tampering> {
    test.services
        .audit
        .verify(&Actor::Operator, Some(id))
        .await
        .unwrap()
        .tampering
}

#[tokio::test]
async fn an_untouched_chain_is_whole() {
    let test = TestServices::new().await;
    let id = five_rows(&test).await;
    let report = test
        .services
        .audit
        .verify(&Actor::Operator, Some(id))
        .await
        .unwrap();
    assert_eq!((report.rows, report.head), (5, 5));
    assert_eq!(report.head_hash.len(), 64);
    assert!(report.tampering.is_empty());
    let empty = test
        .services
        .audit
        .verify(&Actor::Operator, None)
        .await
        .unwrap();
    assert_eq!((empty.rows, empty.tampering.len()), (0, 0));
    test.owner().await;
    let all = test
        .services
        .audit
        .verify_all(&Actor::Operator, &Heads::default())
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|report| report.tampering.is_empty()));
}

#[tokio::test]
async fn every_column_of_a_row_counts() {
    let test = TestServices::new().await;
    let id = five_rows(&test).await;
    for column in [
        "at",
        "actor_kind",
        "actor_id",
        "actor_name",
        "address",
        "request_id",
        "action",
        "subject",
        "summary",
        "was",
        "became",
        "previous",
        "hash",
        "tenant_id",
        "form",
        "why",
        "folded",
    ] {
        let kept = test
            .db
            .text(&format!(
                "select {column} || '' from audit where sequence = 3"
            ))
            .await;
        let (other, restored) = match column {
            "at" | "form" => ("1".to_owned(), kept),
            "tenant_id" => ("null".to_owned(), format!("'{kept}'")),
            _ => ("'x'".to_owned(), format!("'{}'", kept.replace('\'', "''"))),
        };
        test.db
            .shell(&format!(
                "update audit set {column} = {other} where sequence = 3"
            ))
            .await;
        let found = tampering(&test, id).await;
        assert_eq!(found, [Tampering::Changed { sequence: 3 }], "{column}");
        test.db
            .shell(&format!(
                "update audit set {column} = {restored} where sequence = 3"
            ))
            .await;
        assert!(tampering(&test, id).await.is_empty(), "{column}");
    }
}

#[tokio::test]
async fn missing_and_inserted_rows_are_named() {
    let test = TestServices::new().await;
    let id = five_rows(&test).await;
    test.db
        .shell("delete from audit where sequence in (2, 5)")
        .await;
    let missing = |sequence| Tampering::Missing { sequence };
    assert_eq!(tampering(&test, id).await, [missing(2), missing(5)]);
    let test = TestServices::new().await;
    let id = five_rows(&test).await;
    test.db
        .shell(
            "insert into audit select chain, 6, at, actor_kind, actor_id, actor_name, address,
                request_id, action, subject, summary, tenant_id, was, became, previous, hash,
                form, why, folded
             from audit where sequence = 5",
        )
        .await;
    assert_eq!(
        tampering(&test, id).await,
        [Tampering::Inserted { sequence: 6 }]
    );
}

#[tokio::test]
async fn rows_that_changed_places_are_named() {
    let test = TestServices::new().await;
    let id = five_rows(&test).await;
    test.db
        .shell(
            "update audit set sequence = 99 where sequence = 2;
             update audit set sequence = 2 where sequence = 3;
             update audit set sequence = 3 where sequence = 99",
        )
        .await;
    let found = tampering(&test, id).await;
    assert_eq!(
        found,
        [2, 3].map(|sequence| Tampering::Changed { sequence })
    );
}

#[tokio::test]
async fn a_cut_end_shows_while_the_head_stands() {
    let test = TestServices::new().await;
    let id = five_rows(&test).await;
    test.db.shell("update audit_head set hash = 'x'").await;
    assert_eq!(
        tampering(&test, id).await,
        [Tampering::Changed { sequence: 5 }]
    );
}

#[tokio::test]
async fn tenants_read_their_own_chain_only() {
    let test = TestServices::new().await;
    let (acme, other) = (five_rows(&test).await, test.tenant("Other").await);
    let admin = test.of_tenant(acme, TenantRole::Admin);
    let audit = &test.services.audit;
    let list = async |actor: &Actor, tenant| {
        let filter = AuditFilter {
            tenant,
            limit: Some(2),
            ..AuditFilter::default()
        };
        audit.list(actor, filter).await
    };
    let own = list(&admin, None).await.unwrap();
    assert_eq!(
        own.items.iter().map(|r| r.sequence).collect::<Vec<_>>(),
        [5, 4]
    );
    assert_eq!(
        list(&admin, Some(other)).await.unwrap_err().code(),
        "not_found"
    );
    let member = test.of_tenant(acme, TenantRole::Member);
    assert_eq!(
        list(&member, Some(acme)).await.unwrap_err().code(),
        "forbidden"
    );
    let both = test.person(
        None,
        vec![(acme, TenantRole::Admin), (other, TenantRole::Admin)],
    );
    assert_eq!(list(&both, None).await.unwrap_err().code(), "invalid");
    assert!(audit.verify(&admin, Some(acme)).await.is_ok());
    assert!(audit.verify(&admin, None).await.is_err());
    assert!(audit.verify_all(&admin, &Heads::default()).await.is_err());
    assert!(
        audit
            .verify(&test.staff(StaffRole::Viewer), None)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn pages_of_one_chain_and_of_all_meet() {
    let test = TestServices::new().await;
    let acme = five_rows(&test).await;
    test.owner().await;
    let walk = async |tenant| {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let filter = AuditFilter {
                tenant,
                limit: Some(2),
                cursor,
                ..AuditFilter::default()
            };
            let page = test
                .services
                .audit
                .list(&Actor::Operator, filter)
                .await
                .unwrap();
            seen.extend(page.items.into_iter().map(|row| row.action));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return seen;
            }
        }
    };
    assert_eq!(walk(Some(acme)).await.len(), 5);
    assert_eq!(walk(None).await.len(), 6);
    let made_up = AuditFilter {
        cursor: Some("AXh4".to_owned()),
        ..AuditFilter::default()
    };
    let error = test
        .services
        .audit
        .list(&Actor::Operator, made_up)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "invalid");
}

//! The certificate manager: certificates are issued after a moment, or keep waiting.

use super::{Controllers, Task};
use crate::clock;
use crate::fault::Fault;
use crate::object;
use crate::resource::Kind;
use base64::Engine;
use serde_json::{Value, json};
use time::Duration;

const MANAGER: &str = "cert-manager-certificates-issuing";

impl Controllers {
    pub fn certificate(&mut self, task: &Task) {
        let (space, name) = (&*task.key.namespace.clone(), &*task.key.name.clone());
        let Some(certificate) = self.cluster.store.object(Kind::Certificate, space, name) else {
            return self.forget(task);
        };
        if object::terminating(&certificate) {
            return;
        }
        let secret = object::text_or_empty(&certificate, "/spec/secretName").to_owned();
        let issued = self
            .cluster
            .store
            .get(Kind::Secret, space, &secret)
            .is_some();
        let pending = self.cluster.faults.has(space, Fault::CertificatePending);
        if !pending && issued && object::is_true(&certificate, "Ready") {
            return;
        }
        if !pending && self.passed(task, "issue", 2.0) {
            return self.issue(&certificate, &secret);
        }
        let (reason, message) = if issued {
            (
                "Expired",
                "Certificate expired: a renewal is being waited for",
            )
        } else {
            (
                "DoesNotExist",
                "Issuing certificate as Secret does not exist",
            )
        };
        let known =
            object::condition(&certificate, "Ready").is_some_and(|ready| ready["reason"] == reason);
        if known {
            return;
        }
        self.cluster
            .store
            .edit(Kind::Certificate, space, name, MANAGER, |there| {
                object::set_condition(there, "Ready", "False", reason, message);
                object::set_condition(there, "Issuing", "True", reason, message);
            });
        if pending {
            let message = "Waiting on certificate issuance from order: \"pending\": the challenge \
                           waits for its DNS record to propagate";
            self.tell_pending(&certificate, message);
        } else {
            self.note(&certificate, MANAGER, "Issuing", message);
        }
    }

    fn tell_pending(&self, certificate: &Value, message: &str) {
        self.warn(certificate, MANAGER, "Pending", message);
    }

    fn issue(&self, certificate: &Value, secret: &str) {
        let (space, name) = (object::namespace(certificate), object::name(certificate));
        let coded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let hosts = certificate["spec"]["dnsNames"].to_string();
        let object = json!({
            "metadata": {
                "name": secret,
                "namespace": space,
                "annotations": {"cert-manager.io/certificate-name": name},
            },
            "type": "kubernetes.io/tls",
            "data": {
                "tls.crt": coded(&format!("sandbox certificate for {hosts}")),
                "tls.key": coded("sandbox key"),
            },
        });
        self.cluster.store.ensure(Kind::Secret, object, MANAGER);
        let now = clock::now();
        self.cluster
            .store
            .edit(Kind::Certificate, space, name, MANAGER, |there| {
                object::set(there, &["status", "notBefore"], json!(clock::seconds(now)));
                let after = |days| json!(clock::seconds(now + Duration::days(days)));
                object::set(there, &["status", "notAfter"], after(90));
                object::set(there, &["status", "renewalTime"], after(75));
                object::set(there, &["status", "revision"], json!(1));
                object::drop_condition(there, "Issuing");
                let message = "Certificate is up to date and has not expired";
                object::set_condition(there, "Ready", "True", "Ready", message);
            });
        self.note(
            certificate,
            MANAGER,
            "Issued",
            "The certificate has been successfully issued",
        );
    }

    /// Issuers are registered as soon as they exist.
    pub fn issuer(&mut self, task: &Task) {
        self.cluster
            .store
            .edit(Kind::ClusterIssuer, "", &task.key.name, MANAGER, |issuer| {
                let message = "The ACME account was registered with the ACME server";
                object::set_condition(issuer, "Ready", "True", "ACMEAccountRegistered", message);
            });
    }
}

//! EKS: the endpoint and its authority from `eks:DescribeCluster`, and bearer tokens made by signing
//! (not sending) a `GetCallerIdentity` request, as every EKS client does. Both are one signed request
//! each, so the signing crate of the SDK does and the EKS client itself is not needed.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use service::ports::ClusterError;
use tokio::time::Instant;

use crate::access::{address, bounded};
use crate::aws::Aws;
use crate::dial::{self, Door};
use crate::failure::misconfigured;

/// The API server takes a token for 15 minutes; it is made anew well before.
const RENEW_AFTER: Duration = Duration::from_mins(10);
/// The header that binds a token to one cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// The token of one cluster, kept fresh.
pub struct Bearer {
    aws: Arc<Aws>,
    config: SdkConfig,
    cluster: String,
    region: String,
    current: RwLock<(HeaderValue, Instant)>,
}

impl Bearer {
    /// Puts the token on a request.
    pub fn sign<B>(&self, mut request: Request<B>) -> Request<B> {
        let token = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .clone();
        request.headers_mut().insert(AUTHORIZATION, token);
        request
    }

    /// Makes a new token when the current one is old.
    pub async fn refresh(&self) -> Result<(), ClusterError> {
        let made = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .1;
        if made.elapsed() < RENEW_AFTER {
            return Ok(());
        }
        let now = now(&self.aws);
        let token = token(&self.config, &self.cluster, &self.region, now).await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (token, Instant::now());
        Ok(())
    }
}

/// Looks a cluster up and signs in.
pub async fn reach(
    aws: &Arc<Aws>,
    cluster: &str,
    region: &str,
    role: Option<&str>,
) -> Result<(kube::Config, Arc<Bearer>), ClusterError> {
    let config = aws.configuration(region, role).await;
    let (endpoint, authority) = describe(&config, cluster, region, now(aws)).await?;
    let first = token(&config, cluster, region, now(aws)).await?;
    let mut reached = kube::Config::new(address(&endpoint)?);
    reached.root_cert = Some(vec![authority]);
    let bearer = Bearer {
        aws: aws.clone(),
        config,
        cluster: cluster.to_owned(),
        region: region.to_owned(),
        current: RwLock::new((first, Instant::now())),
    };
    Ok((bounded(reached), Arc::new(bearer)))
}

fn now(aws: &Aws) -> SystemTime {
    let micros = u64::try_from(aws.clock.now().micros()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    }
}

/// A bearer token: the URL of a signed request, which the cluster sends on to learn who we are.
async fn token(
    config: &SdkConfig,
    cluster: &str,
    region: &str,
    now: SystemTime,
) -> Result<HeaderValue, ClusterError> {
    let host = format!("sts.{region}.{}", domain(region));
    let url = format!("https://{host}/?Action=GetCallerIdentity&Version=2011-06-15");
    let mut request = Request::get(url)
        .header(CLUSTER_HEADER, cluster)
        .body(())
        .map_err(|_| misconfigured("The name of the EKS cluster cannot be used"))?;
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_mins(1));
    sign_in(&mut request, settings, config, region, "sts", now).await?;
    let text = format!(
        "Bearer k8s-aws-v1.{}",
        URL_SAFE_NO_PAD.encode(request.uri().to_string())
    );
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| misconfigured("The EKS token could not be made"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Endpoint and certificate authority (DER) of a cluster.
async fn describe(
    config: &SdkConfig,
    cluster: &str,
    region: &str,
    now: SystemTime,
) -> Result<(String, Vec<u8>), ClusterError> {
    let host = format!("eks.{region}.{}", domain(region));
    let url = format!("https://{host}/clusters/{cluster}");
    let mut request = Request::get(url)
        .header("host", &host)
        .body(())
        .map_err(|_| misconfigured("The name of the EKS cluster cannot be used"))?;
    sign_in(
        &mut request,
        SigningSettings::default(),
        config,
        region,
        "eks",
        now,
    )
    .await?;
    let door = Door {
        secure: true,
        host: &host,
        port: 443,
        address: None,
    };
    let answer = dial::send(&door, request, Duration::from_secs(8), 1 << 20)
        .await
        .map_err(|t| {
            ClusterError::Unreachable(format!("EKS in {region}: {}: {}", t.stage, t.detail))
        })?;
    described(answer.status, &answer.body, cluster, region)
}

/// What EKS said of a cluster.
fn described(
    status: u16,
    body: &[u8],
    cluster: &str,
    region: &str,
) -> Result<(String, Vec<u8>), ClusterError> {
    match status {
        200 => {}
        404 => {
            let none = format!("There is no EKS cluster {cluster} in {region}");
            return Err(misconfigured(none));
        }
        401 | 403 => {
            return Err(misconfigured(format!(
                "This server's AWS identity may not describe the EKS cluster {cluster} \
                 (eks:DescribeCluster)"
            )));
        }
        status => {
            let said = format!("EKS in {region} answers {status}");
            return Err(ClusterError::Unreachable(said));
        }
    }
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let found = &body["cluster"];
    let authority = found["certificateAuthority"]["data"].as_str().unwrap_or("");
    let pem = STANDARD.decode(authority).unwrap_or_default();
    match (found["endpoint"].as_str(), certificate(&pem)) {
        (Some(endpoint), Some(der)) => Ok((endpoint.to_owned(), der)),
        _ => Err(ClusterError::Unreachable(format!(
            "the EKS cluster {cluster} has no endpoint yet; it may still be being created"
        ))),
    }
}

/// The first certificate of a PEM text.
fn certificate(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    STANDARD
        .decode(body.split_whitespace().collect::<String>())
        .ok()
}

async fn sign_in(
    request: &mut Request<()>,
    settings: SigningSettings,
    config: &SdkConfig,
    region: &str,
    service: &str,
    now: SystemTime,
) -> Result<(), ClusterError> {
    let none = "This server has no AWS credentials. Give its pod or machine a role";
    let provider = config
        .credentials_provider()
        .ok_or_else(|| misconfigured(none))?;
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|_| misconfigured(none))?;
    let identity = credentials.into();
    let failed = || misconfigured("The request to AWS could not be signed");
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|_| failed())?
        .into();
    let instructions = {
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers,
            SignableBody::Bytes(&[]),
        )
        .map_err(|_| failed())?;
        sign(signable, &params)
            .map_err(|_| failed())?
            .into_parts()
            .0
    };
    instructions.apply_to_request_http1x(request);
    Ok(())
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;

    use super::*;

    fn config() -> SdkConfig {
        let credentials = Credentials::new("AKIDEXAMPLE", "do-not-tell", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    #[tokio::test]
    async fn a_token_is_a_signed_question_bound_to_one_cluster() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let header = token(&config(), "prism-eu", "eu-west-1", now)
            .await
            .unwrap();
        assert!(header.is_sensitive());
        let text = header
            .to_str()
            .unwrap()
            .strip_prefix("Bearer k8s-aws-v1.")
            .unwrap()
            .to_owned();
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
        for part in [
            "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
            "X-Amz-Credential=AKIDEXAMPLE%2F20260921%2Feu-west-1%2Fsts%2Faws4_request",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
            "X-Amz-Signature=",
        ] {
            assert!(url.contains(part), "{part}: {url}");
        }
        assert!(!url.contains("do-not-tell"));
        let other = token(&config(), "prism-us", "eu-west-1", now)
            .await
            .unwrap();
        assert_ne!(header, other);
    }

    #[tokio::test]
    async fn without_an_identity_it_is_said() {
        let nobody = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .build();
        let said = token(&nobody, "x", "eu-west-1", SystemTime::UNIX_EPOCH)
            .await
            .unwrap_err();
        assert!(
            matches!(&said, ClusterError::Misconfigured(t) if t.contains("no AWS credentials"))
        );
    }

    #[test]
    fn what_eks_says_is_read_or_explained() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
        let body = serde_json::json!({"cluster": {
            "endpoint": "https://x.eks.amazonaws.com",
            "certificateAuthority": {"data": STANDARD.encode(pem)},
        }});
        let read = |status, body: &str| described(status, body.as_bytes(), "prism-eu", "eu-west-1");
        let found = read(200, &body.to_string()).unwrap();
        assert_eq!(
            found,
            ("https://x.eks.amazonaws.com".to_owned(), vec![0, 1, 2])
        );
        for (status, body, says) in [
            (404, "", "no EKS cluster prism-eu in eu-west-1"),
            (403, "", "eks:DescribeCluster"),
            (503, "", "answers 503"),
            (200, "<html>", "no endpoint yet"),
            (
                200,
                r#"{"cluster": {"status": "CREATING"}}"#,
                "no endpoint yet",
            ),
        ] {
            let said = read(status, body).unwrap_err().to_string();
            assert!(said.contains(says), "{status} {body}: {said}");
        }
    }

    #[test]
    fn the_first_certificate_is_taken() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAEC\nAw==\n-----END CERTIFICATE-----\nmore";
        assert_eq!(certificate(pem.as_bytes()), Some(vec![0, 1, 2, 3]));
        assert_eq!(certificate(b"none"), None);
    }
}

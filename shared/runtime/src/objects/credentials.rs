//! What the environment must say before a store is opened, so that a missing word is told at once and by its name.
//!
//! Reads the names of variables, and of those that are no secrets the values. Never shows one.

use super::fault::ObjectsError;
use super::name::{Place, Scheme};

/// Whether plain HTTP is asked for: by the environment, or by the name itself.
pub(super) fn allows_http(scheme: Scheme) -> bool {
    match scheme {
        Scheme::S3 => is_true("AWS_ALLOW_HTTP"),
        Scheme::Gs => is_true("GOOGLE_ALLOW_HTTP"),
        Scheme::Az => is_true("AZURE_ALLOW_HTTP"),
        Scheme::Http => true,
        Scheme::Https => false,
    }
}

/// Refuses what cannot work.
///
/// # Errors
/// [`ObjectsError::NoCredentials`] and [`ObjectsError::PlainHttp`].
pub(super) fn check(place: &Place) -> Result<(), ObjectsError> {
    if place.scheme() != Scheme::S3 {
        return Ok(());
    }
    for variable in ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"] {
        if let Ok(endpoint) = std::env::var(variable)
            && endpoint.starts_with("http://")
            && !allows_http(Scheme::S3)
        {
            return Err(ObjectsError::PlainHttp {
                uri: place.root().to_owned(),
                variable,
            });
        }
    }
    // Without any of these the machine itself is asked, as on EC2: that may be forbidden.
    let sources = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    let is_told = sources.iter().any(|name| std::env::var_os(name).is_some()) || is_true("AWS_SKIP_SIGNATURE");
    if !is_told && is_true("AWS_EC2_METADATA_DISABLED") {
        return Err(ObjectsError::NoCredentials {
            uri: place.root().to_owned(),
        });
    }
    Ok(())
}

fn is_true(variable: &str) -> bool {
    std::env::var(variable)
        .is_ok_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on"))
}

//! The signatures of Standard Webhooks: HMAC-SHA256 over the message's id, the time of the attempt and the body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secrets::Secret;
use crate::problem::Problem;

/// The header `webhook-signature`: one signature for each valid secret, so that a receiver may know any of them.
///
/// # Errors
/// When a secret cannot sign, which every one can.
pub fn signatures(secrets: &[Secret], id: &str, seconds: i64, body: &[u8]) -> Result<String, Problem> {
    let signatures: Vec<String> =
        secrets.iter().map(|secret| sign(secret, id, seconds, body)).collect::<Result<_, _>>()?;
    Ok(signatures.join(" "))
}

fn sign(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> Result<String, Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).map_err(Problem::internal)?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_the_specification_shows() {
        let secret = Secret(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap_or_default());
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature.ok().as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }
}

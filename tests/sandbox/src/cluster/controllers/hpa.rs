//! HorizontalPodAutoscalers, so far as operators meet them: the target is kept between minReplicas
//! and maxReplicas, so a manual scale outside is undone. A target at zero replicas is left alone,
//! which is how a real one is switched off.

use serde_json::{Value, json};

use super::super::json::{name, namespace, now, number, terminating, text};
use super::super::resources::TABLE;
use super::super::state::State;
use super::{events, frozen, set_condition};

pub(super) fn reconcile(state: &mut State) {
    for hpa in state.store.list("horizontalpodautoscalers", None) {
        if !terminating(&hpa) && !frozen(&hpa) {
            one(state, &hpa);
        }
    }
}

fn one(state: &mut State, hpa: &Value) {
    let mut status = hpa["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    let kind = text(hpa, "/spec/scaleTargetRef/kind");
    let row = TABLE.iter().find(|r| r.kind == kind && r.subs.iter().any(|s| s.name == "scale"));
    let target_name = text(hpa, "/spec/scaleTargetRef/name");
    let target =
        row.and_then(|row| Some((row, state.store.get(row.plural, namespace(hpa), target_name)?)));
    let (low, high) = (
        number(hpa, "/spec/minReplicas").unwrap_or(1),
        number(hpa, "/spec/maxReplicas").unwrap_or(1),
    );
    let (current, desired) = match target {
        None => {
            let message = format!(
                "the HPA controller was unable to get the target's current scale: {target_name} not found"
            );
            set_condition(&mut status, "AbleToScale", "False", "FailedGetScale", &message);
            (0, 0)
        }
        Some((row, target)) => {
            set_condition(
                &mut status,
                "AbleToScale",
                "True",
                "ReadyForNewScale",
                "recommended size matches current size",
            );
            let spec = number(&target, "/spec/replicas").unwrap_or(1);
            let desired = if spec == 0 { 0 } else { spec.clamp(low, high.max(low)) };
            if spec == 0 {
                let message = "scaling is disabled since the replica count of the target is zero";
                set_condition(&mut status, "ScalingActive", "False", "ScalingDisabled", message);
            } else {
                let message = "the HPA was able to compute the replica count";
                set_condition(&mut status, "ScalingActive", "True", "ValidMetricFound", message);
            }
            if desired != spec {
                state.store.edit(row.plural, &target, |target| {
                    target["spec"]["replicas"] = json!(desired);
                });
                status["lastScaleTime"] = json!(now());
                let why = if desired > spec {
                    "below Spec.MinReplicas"
                } else {
                    "above Spec.MaxReplicas"
                };
                let message =
                    format!("New size: {desired}; reason: Current number of replicas {why}");
                events::record(
                    state,
                    "horizontal-pod-autoscaler",
                    hpa,
                    "Normal",
                    "SuccessfulRescale",
                    &message,
                );
                tracing::debug!(hpa = name(hpa), desired, "rescaled");
            }
            (number(&target, "/status/replicas").unwrap_or(0), desired)
        }
    };
    status["currentReplicas"] = json!(current);
    status["desiredReplicas"] = json!(desired);
    state.store.edit("horizontalpodautoscalers", hpa, |hpa| hpa["status"] = status);
}

//! Nodes: what one looks like, and the conditions that faults change.

use serde_json::{Value, json};

use super::super::json::{items_mut, now};
use super::super::state::State;
use super::{events, set_condition};

/// The `index`th node (from 1) of a cluster, ready: 8 cores, 32 GiB, 110 pods.
pub(crate) fn make(cluster: &str, index: usize) -> Value {
    let name = format!("{cluster}-node-{index}");
    let capacity = json!({ "cpu": "8", "memory": "33554432Ki", "ephemeral-storage": "209715200Ki", "pods": "110" });
    let id = format!("{index:032x}");
    let ip = format!("192.168.{}.{}", index / 250, 10 + index % 240);
    let mut node = json!({
        "kind": "Node", "apiVersion": "v1",
        "metadata": { "name": name, "labels": {
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/region": cluster, "node-role.kubernetes.io/worker": "",
        }},
        "spec": { "podCIDR": format!("10.64.{}.0/24", index % 256), "providerID": format!("nova://{name}") },
        "status": {
            "capacity": capacity, "allocatable": capacity,
            "addresses": [
                { "type": "InternalIP", "address": ip },
                { "type": "Hostname", "address": name },
            ],
            "nodeInfo": {
                "machineID": id, "systemUUID": id, "bootID": id, "kernelVersion": "6.12.0",
                "osImage": "Debian GNU/Linux 13 (trixie)", "containerRuntimeVersion": "containerd://2.1.0",
                "kubeletVersion": "v1.36.2", "kubeProxyVersion": "", "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    });
    let status = &mut node["status"];
    for (kind, reason, message) in [
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ] {
        set_condition(status, kind, "False", reason, message);
    }
    set_condition(status, "Ready", "True", "KubeletReady", "kubelet is posting ready status");
    for condition in items_mut(status, "conditions") {
        condition["lastHeartbeatTime"] = json!(now());
    }
    node
}

/// Makes a node Ready or not; a node of that name must exist for anything to happen.
pub(crate) fn set_ready(state: &mut State, name: &str, ready: bool) {
    let (value, reason, message) = if ready {
        ("True", "KubeletReady", "kubelet is posting ready status")
    } else {
        ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    };
    let event = if ready { "NodeReady" } else { "NodeNotReady" };
    apply(
        state,
        name,
        "Ready",
        (value, reason, message),
        ("node.kubernetes.io/unreachable", !ready),
        event,
    );
}

pub(crate) fn set_memory_pressure(state: &mut State, name: &str, pressure: bool) {
    let (condition, event) = if pressure {
        (
            ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
            "NodeHasInsufficientMemory",
        )
    } else {
        (
            ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            "NodeHasSufficientMemory",
        )
    };
    let taint = ("node.kubernetes.io/memory-pressure", pressure);
    apply(state, name, "MemoryPressure", condition, taint, event);
}

fn apply(
    state: &mut State,
    name: &str,
    kind: &str,
    (value, reason, message): (&str, &str, &str),
    (taint, tainted): (&str, bool),
    event: &str,
) {
    let Some(node) = state.store.get("nodes", "", name) else { return };
    state.store.edit("nodes", &node, |node| {
        set_condition(&mut node["status"], kind, value, reason, message);
        let mut taints = super::items(node, "/spec/taints").to_vec();
        taints.retain(|t| t["key"] != taint);
        if tainted {
            taints.push(json!({ "key": taint, "effect": "NoSchedule" }));
        }
        match node.get_mut("spec").and_then(Value::as_object_mut) {
            Some(spec) if taints.is_empty() => {
                spec.remove("taints");
            }
            _ => node["spec"]["taints"] = json!(taints),
        }
    });
    let message = format!("Node {name} status is now: {event}");
    events::record(state, "node-controller", &node, "Normal", event, &message);
}

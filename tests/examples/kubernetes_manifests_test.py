#!/usr/bin/python3 -B
"""The manifests of examples/kubernetes say what Kubernetes knows, and the policy makes of the plain pod what pod.yaml is.

Fields and types are those of Debian's python3-kubernetes (API 1.22); what is newer is listed here, from the published API.

kubernetes_manifests_test.py FOLDER
"""

import copy
import json
import pathlib
import re
import sys
import unittest

import yaml
from kubernetes.client import models

FOLDER = pathlib.Path(sys.argv[1])
KINDS = {("v1", "Namespace"): "V1Namespace", ("v1", "Pod"): "V1Pod", ("apps/v1", "DaemonSet"): "V1DaemonSet"}
# By model and field: with which version it came, and what may stand there.
NEWER = {("V1PodSecurityContext", "appArmorProfile"): ("1.30", lambda value: value == {"type": "Unconfined"})}
SIMPLE = {"str": str, "int": int, "bool": bool, "float": float}

# https://kubernetes.io/docs/reference/kubernetes-api/admissionregistration/mutating-admission-policy-v1/ (Kubernetes 1.36):
# a dict has these fields and no others, a list such entries, a set one of these values.
RULES = [{"apiGroups": [str], "apiVersions": [str], "operations": [{"CREATE", "UPDATE"}], "resources": [str]}]
SELECTOR = {"matchLabels": dict}
ADMISSION = {
    "MutatingAdmissionPolicy": {
        "apiVersion": {"admissionregistration.k8s.io/v1"}, "kind": str, "metadata": {"name": str},
        "spec": {"failurePolicy": {"Ignore", "Fail"}, "reinvocationPolicy": {"Never", "IfNeeded"},
                 "matchConstraints": {"objectSelector": SELECTOR, "resourceRules": RULES},
                 "matchConditions": [{"name": str, "expression": str}],
                 "mutations": [{"patchType": {"ApplyConfiguration"}, "applyConfiguration": {"expression": str}}]}},
    "MutatingAdmissionPolicyBinding": {
        "apiVersion": {"admissionregistration.k8s.io/v1"}, "kind": str, "metadata": {"name": str},
        "spec": {"policyName": str, "matchResources": {"namespaceSelector": SELECTOR}}},
}
# https://github.com/kubernetes/node-problem-detector/blob/master/pkg/custompluginmonitor/types/config.go
DETECTOR = {
    "plugin": {"custom"}, "source": str, "metricsReporting": bool,
    "pluginConfig": {"invoke_interval": str, "timeout": str, "max_output_length": int, "concurrency": int,
                     "enable_message_change_based_condition_update": bool},
    "conditions": [{"type": str, "reason": str, "message": str}],
    "rules": [{"type": {"permanent", "temporary"}, "condition": str, "reason": str, "path": str, "args": [str], "timeout": str}],
}


def documents(name: str) -> list[dict]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def of_model(value: object, kind: str, place: str) -> object:
    """`value` as the model has it; raises ValueError for a field that is unknown, missing or of another type."""
    if kind in SIMPLE:
        if type(value) is not SIMPLE[kind]:
            raise ValueError(f"{place}: {value!r} is not {kind}")
        return value
    if kind.startswith("list["):
        if not isinstance(value, list):
            raise ValueError(f"{place}: not a list")
        return [of_model(entry, kind[5:-1], f"{place}[{at}]") for at, entry in enumerate(value)]
    if kind.startswith("dict("):
        return {key: of_model(entry, kind[5:-1].split(", ")[1], f"{place}.{key}") for key, entry in value.items()}
    if kind == "object":
        return value
    model = getattr(models, kind)
    names = {field: name for name, field in model.attribute_map.items()}
    arguments = {}
    for field, entry in value.items():
        if (kind, field) in NEWER:
            if not NEWER[kind, field][1](entry):
                raise ValueError(f"{place}.{field}: {entry!r}")
        elif field not in names:
            raise ValueError(f"{place}: {kind} has no {field}")
        else:
            arguments[names[field]] = of_model(entry, model.openapi_types[names[field]], f"{place}.{field}")
    try:
        return model(**arguments)
    except ValueError as missing:
        raise ValueError(f"{place}: {missing}") from missing


def of_form(value: object, form: object, place: str) -> None:
    if isinstance(form, dict):
        for field, entry in value.items():
            if field not in form:
                raise ValueError(f"{place} has no {field}")
            of_form(entry, form[field], f"{place}.{field}")
    elif isinstance(form, list):
        for entry in value:
            of_form(entry, form[0], place)
    elif isinstance(form, set):
        if value not in form:
            raise ValueError(f"{place}: {value!r} is none of {form}")
    elif type(value) is not form:
        raise ValueError(f"{place}: {value!r}")


class Expression:
    """As much of CEL as the policy uses: objects, lists, strings, numbers, true and false, and object.spec.containers.map().
    An object's type must be that of the place where it stands, as the API server checks it."""

    TOKEN = re.compile(r"\s*(\"[^\"]*\"|[A-Za-z_][\w.]*|\d+|[{}\[\]():,])")

    def __init__(self, text: str, pod: dict) -> None:
        self.rest, self.pod, self.names = text, pod, {}

    def take(self, *wanted: str) -> str:
        found = self.TOKEN.match(self.rest)
        if found is None or (wanted and found.group(1) not in wanted):
            raise ValueError(f"expected {wanted or 'a value'}: {self.rest[:60]!r}")
        self.rest = self.rest[found.end():]
        return found.group(1)

    def next_is(self, token: str) -> bool:
        found = self.TOKEN.match(self.rest)
        return found is not None and found.group(1) == token

    def many(self, end: str, entry) -> None:
        while not self.next_is(end):
            entry()
            if not self.next_is(end):
                self.take(",")
        self.take(end)

    def value(self, kind: str) -> object:
        token = self.take()
        if token == "[":
            entries = []
            self.many("]", lambda: entries.append(self.value(kind)))
            return entries
        if token.startswith('"') or token.isdigit() or token in ("true", "false"):
            return json.loads(token)
        if token == "object.spec.containers.map":
            return self.mapped(kind)
        if token in self.names:
            return self.names[token]
        if token.partition(".")[0] in self.names:
            variable, _, field = token.partition(".")
            return self.names[variable][field]
        if token != kind:
            raise ValueError(f"{token} stands where {kind} belongs")
        fields = {}

        def field() -> None:
            name = self.take()
            self.take(":")
            fields[name] = self.value(f"{kind}.{name}")

        self.take("{")
        self.many("}", field)
        return fields

    def mapped(self, kind: str) -> list:
        self.take("(")
        variable = self.take()
        self.take(",")
        body, results = self.rest, []
        for container in self.pod["spec"]["containers"]:
            self.rest, self.names = body, {variable: container}
            results.append(self.value(kind))
        self.names = {}
        self.take(")")
        return results


# Of associative lists, by https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
KEYS = {"containers": "name", "initContainers": "name", "volumes": "name", "env": "name", "volumeMounts": "mountPath"}


def applied(base: dict, more: dict) -> dict:
    result = copy.deepcopy(base)
    for field, value in more.items():
        if field in KEYS:
            entries = result.setdefault(field, [])
            for entry in value:
                same = [old for old in entries if old[KEYS[field]] == entry[KEYS[field]]]
                if same:
                    entries[entries.index(same[0])] = applied(same[0], entry)
                else:
                    entries.append(entry)
        else:
            result[field] = applied(result.get(field, {}), value) if isinstance(value, dict) else value
    return result


def containers_of(spec: dict) -> list[dict]:
    return [*spec.get("initContainers", []), *spec["containers"]]


class Manifests(unittest.TestCase):
    def test_every_field_is_known_and_of_its_type(self) -> None:
        seen = 0
        for path in sorted(FOLDER.glob("*.yaml")):
            for document in documents(path.name):
                with self.subTest(path=path.name, kind=document["kind"]):
                    if document["kind"] in ADMISSION:
                        of_form(document, ADMISSION[document["kind"]], document["kind"])
                    else:
                        of_model(document, KINDS[document["apiVersion"], document["kind"]], document["kind"])
                seen += 1
        self.assertEqual(seen, 7)

    def test_what_is_wrong_is_refused(self) -> None:
        pod = documents("pod.yaml")[0]
        for wrong in ({"readonlyRootFilesystem": True}, {"runAsUser": "999"}, {"capabilities": {"drop": "ALL"}}):
            with self.subTest(wrong=wrong), self.assertRaises(ValueError):
                changed = copy.deepcopy(pod)
                changed["spec"]["containers"][0]["securityContext"] = wrong
                of_model(changed, "V1Pod", "Pod")
        with self.assertRaises(ValueError):
            of_model({"spec": {"containers": [{"image": "nameless"}]}}, "V1Pod", "Pod")

    def test_labels_volumes_and_names_fit_together(self) -> None:
        policy, binding = documents("policy.yaml")
        self.assertEqual(binding["spec"]["policyName"], policy["metadata"]["name"])
        self.assertLessEqual(policy["spec"]["matchConstraints"]["objectSelector"]["matchLabels"].items(),
                             documents("pod-plain.yaml")[0]["metadata"]["labels"].items())
        for name in ("node.yaml", "plan.yaml"):
            daemon_set = documents(name)[-1]
            template = daemon_set["spec"]["template"]
            self.assertLessEqual(daemon_set["spec"]["selector"]["matchLabels"].items(), template["metadata"]["labels"].items())
            self.assertTrue(template["spec"]["hostNetwork"] and template["spec"]["hostPID"])
        for spec in (documents("plan.yaml")[0]["spec"]["template"]["spec"], documents("pod.yaml")[0]["spec"]):
            volumes = {volume["name"] for volume in spec["volumes"]}
            for container in containers_of(spec):
                self.assertLessEqual({mount["name"] for mount in container.get("volumeMounts", [])}, volumes)

    def test_no_container_has_more_than_it_needs(self) -> None:
        privileged = []
        for name in ("node.yaml", "plan.yaml", "pod.yaml"):
            document = documents(name)[-1]
            spec = document["spec"] if document["kind"] == "Pod" else document["spec"]["template"]["spec"]
            for container in containers_of(spec):
                security = container["securityContext"]
                self.assertTrue(security["readOnlyRootFilesystem"], container)
                if security.get("privileged"):
                    privileged.append(container["name"])
                    continue
                self.assertEqual((security["allowPrivilegeEscalation"], security["capabilities"]["drop"]), (False, ["ALL"]))
        self.assertEqual(privileged, ["plan"])

    def test_the_policy_makes_of_the_plain_pod_what_the_guarded_one_is(self) -> None:
        plain, guarded = documents("pod-plain.yaml")[0], documents("pod.yaml")[0]
        text = documents("policy.yaml")[0]["spec"]["mutations"][0]["applyConfiguration"]["expression"]
        expression = Expression(text, plain)
        patch = expression.value("Object")
        self.assertEqual(expression.rest.strip(), "")
        self.assertEqual(applied(plain, patch), guarded)
        several = copy.deepcopy(plain)
        several["spec"]["containers"].append({"name": "other", "image": "other", "env": [{"name": "A", "value": "1"}]})
        result = applied(several, Expression(text, several).value("Object"))
        of_model(result, "V1Pod", "Pod")
        for container in result["spec"]["containers"]:
            self.assertIn({"name": "LD_PRELOAD", "value": "/portguard/libportguard.so"}, container["env"])
        self.assertIn({"name": "A", "value": "1"}, result["spec"]["containers"][1]["env"])
        with self.assertRaises(ValueError):
            Expression(text.replace("Object.spec.containers.env{", "Object.spec.env{"), plain).value("Object")

    def test_the_plugin_of_node_problem_detector_has_known_fields_and_a_condition_for_its_rule(self) -> None:
        config = json.loads((FOLDER / "node-problem-detector.json").read_text(encoding="utf-8"))
        of_form(config, DETECTOR, "plugin")
        conditions = [condition["type"] for condition in config["conditions"]]
        self.assertEqual([rule.get("condition") for rule in config["rules"] if rule["type"] == "permanent"], conditions)
        self.assertEqual(config["pluginConfig"]["max_output_length"], 80)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

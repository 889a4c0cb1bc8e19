"""Checks the deployment examples as far as that goes without a cluster.

    check_deploy.py FIXTURES_DEPLOY OUTPUT

The Kubernetes objects must fit the schemas of Kubernetes' own API; the others must be YAML that says what they are for.
Every configuration that stands in one of them is written into OUTPUT, for the sidecar to check.
"""

import pathlib
import sys

import kubernetes_validate
import yaml

folder, output = map(pathlib.Path, sys.argv[1:])

objects = list(yaml.safe_load_all((folder / "kubernetes.yaml").read_text()))
for item in objects:
    kubernetes_validate.validate(item, "1.31", strict=True)
kinds = [item["kind"] for item in objects]
assert kinds == ["ConfigMap", "StatefulSet", "Service"], kinds
(output / "kubernetes.yaml").write_text(objects[0]["data"]["sidecar.yaml"])

pod = objects[1]["spec"]["template"]["spec"]
sidecar = next(c for c in pod["containers"] if c["name"] == "outrigger")
config = yaml.safe_load(objects[0]["data"]["sidecar.yaml"])
ports = {p["name"]: p["containerPort"] for p in sidecar["ports"]}
assert config["listen"].endswith(f":{ports['http']}") and config["admin"]["listen"].endswith(f":{ports['admin']}")
mounts = [m["mountPath"] for m in sidecar["volumeMounts"]]
for path in [config["rollout"]["state_file"], config["telemetry"]["spool"]["directory"], config["admin"]["token_file"], sidecar["args"][-1]]:
    assert any(path.startswith(mount + "/") for mount in mounts), f"{path} is on no volume"

compose = yaml.safe_load((folder / "compose.yaml").read_text())
text = compose["configs"]["sidecar"]["content"]
(output / "compose.yaml").write_text(text)
config = yaml.safe_load(text)
hosts = {config["telemetry"]["endpoint"].split("/")[2].split(":")[0]} | {a["url"].split("/")[2].split(":")[0] for a in config["agents"].values()}
assert hosts <= set(compose["services"]), hosts
assert config["admin"]["token_variable"] in compose["services"]["outrigger"]["environment"]

action = yaml.safe_load((folder / "github-action.yml").read_text())
assert action["jobs"]["gate"]["steps"], action
print("ok")

"""LinuxContainerSecurityContext in the engine's words; what this node cannot do is refused."""

from __future__ import annotations

import os
from typing import Any

from rundlet.core.errors import InvalidArgument, NotSupported
from rundlet.core.spec import labels
from rundlet.core.spec.host import here

from ..proto import api_pb2 as cri

_GROUPS = {cri.Merge: "merge", cri.Strict: "strict"}


def fields(
    context: cri.LinuxContainerSecurityContext, of_pod: cri.LinuxSandboxSecurityContext
) -> dict[str, Any]:
    """The fields of ContainerRequest that it sets. Raises InvalidArgument, NotSupported.

    of_pod: what the sandbox was allowed, and its SELinux label, which is that of containers
    that say none.
    """
    if context.privileged and not of_pod.privileged:
        raise InvalidArgument(
            "privileged containers are not allowed in this pod",
            remedy="set privileged in the security_context of the pod sandbox, too",
        )
    return {
        "privileged": context.privileged,
        "cap_add": tuple(context.capabilities.add_capabilities),
        "cap_drop": tuple(context.capabilities.drop_capabilities),
        "cap_ambient": tuple(context.capabilities.add_ambient_capabilities),
        "read_only": context.readonly_rootfs,
        "read_only_tmpfs": False,
        "no_new_privileges": context.no_new_privs,
        "masked_paths": tuple(context.masked_paths),
        "read_only_paths": tuple(context.readonly_paths),
        "security_options": (
            *_seccomp(context),
            *_apparmor(context),
            *selinux(_label(context, of_pod)),
        ),
        "user": _user(context),
        "group_add": tuple(str(group) for group in context.supplemental_groups),
        "groups": _GROUPS[context.supplemental_groups_policy],
    }


def _user(context: cri.LinuxContainerSecurityContext) -> str:
    """ "user[:group]"; "" is the image's own. A group needs a user (the CRI's own rule)."""
    user = context.run_as_username
    if context.HasField("run_as_user"):
        user = str(context.run_as_user.value)
    if not context.HasField("run_as_group"):
        return user
    if not user:
        raise InvalidArgument("run_as_group needs run_as_user or run_as_username")
    return f"{user}:{context.run_as_group.value}"


def _seccomp(context: cri.LinuxContainerSecurityContext) -> tuple[str, ...]:
    """RuntimeDefault is the node's profile; none said is unconfined, as kubelet means it.

    A privileged container has none, whatever is said (Pod Security Standards; CRI-O, containerd).
    """
    if context.privileged:
        return ("seccomp=unconfined",)
    if context.HasField("seccomp"):
        profile = context.seccomp
        if profile.profile_type == cri.SecurityProfile.RuntimeDefault:
            return ()
        if profile.profile_type == cri.SecurityProfile.Unconfined:
            return ("seccomp=unconfined",)
        return (f"seccomp={_local(profile.localhost_ref, 'seccomp')}",)
    old = context.seccomp_profile_path  # kubelet before 1.19
    if old in ("", "unconfined"):
        return ("seccomp=unconfined",)
    if old in ("runtime/default", "docker/default"):
        return ()
    return (f"seccomp={_local(old.removeprefix('localhost/'), 'seccomp')}",)


def _local(path: str, what: str) -> str:
    path = path.removeprefix("localhost/")
    if not path.startswith("/"):
        raise InvalidArgument(f"{what} profile {path!r} is not an absolute path")
    if not os.path.exists(path):
        raise InvalidArgument(f"{what} profile {path} is not there")
    return path


def _apparmor(context: cri.LinuxContainerSecurityContext) -> tuple[str, ...]:
    """A profile that was asked for by name is refused where the kernel has no AppArmor."""
    if context.HasField("apparmor"):
        kind = context.apparmor.profile_type
        if kind == cri.SecurityProfile.RuntimeDefault:
            return ()
        name = context.apparmor.localhost_ref
        if kind == cri.SecurityProfile.Unconfined:
            name = "unconfined"
    else:
        name = context.apparmor_profile
        if name in ("", "runtime/default"):
            return ()
    name = name.removeprefix("localhost/")
    if not here().apparmor:
        if name == "unconfined":
            return ()
        raise NotSupported(f"AppArmor profile {name!r}: this node's kernel has no AppArmor")
    return (f"apparmor={name}",)


def _label(
    context: cri.LinuxContainerSecurityContext, of_pod: cri.LinuxSandboxSecurityContext
) -> cri.SELinuxOption:
    mine = context.HasField("selinux_options")
    return context.selinux_options if mine else of_pod.selinux_options


def file_label(
    context: cri.LinuxContainerSecurityContext, of_pod: cri.LinuxSandboxSecurityContext
) -> str:
    """The SELinux context of the container's files; "" for none, and of privileged ones."""
    chosen = () if context.privileged else selinux(_label(context, of_pod))
    return labels.labels(chosen).mount


def selinux(chosen: cri.SELinuxOption) -> tuple[str, ...]:
    """As security options. Raises NotSupported where the kernel has no SELinux."""
    if not any((chosen.user, chosen.role, chosen.type, chosen.level)):
        return ()
    if not here().selinux:
        raise NotSupported("SELinux options: this node's kernel has no SELinux")
    pairs = {
        "user": chosen.user,
        "role": chosen.role,
        "type": chosen.type,
        "level": chosen.level,
    }
    return tuple(f"label={key}:{value}" for key, value in pairs.items() if value)

"""How tools print: sizes, times, tables, Go templates. As podman, buildah and skopeo do."""

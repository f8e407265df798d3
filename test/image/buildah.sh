# Sourced by the scripts of this folder: buildah with storage of its own in the cache folder, and the name of the image.
image=localhost/ocp-pipeline:test
run_buildah() {
  BUILDAH_ISOLATION=chroot buildah --storage-driver vfs --root "$cache/storage" --runroot "$cache/run" "$@"
}

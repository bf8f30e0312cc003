/**
 * Which extended attributes travel in layers. The rest belong to the host or to its overlay mounts: labels of security
 * modules, integrity hashes, and the marks by which overlayfs hides lower files, which a hostile archive could forge.
 */
export function travels(name: string): boolean {
  if (name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')) return false;
  return (
    name.startsWith('user.') ||
    name.startsWith('trusted.') ||
    name === 'security.capability' ||
    name === 'system.posix_acl_access' ||
    name === 'system.posix_acl_default'
  );
}

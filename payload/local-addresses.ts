import { lookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/**
 * Addresses of this machine and its link: services there were never meant for outsiders, such as the metadata service
 * of a cloud.
 */
const local = new BlockList();
local.addSubnet('0.0.0.0', 8, 'ipv4');
local.addSubnet('127.0.0.0', 8, 'ipv4');
local.addSubnet('169.254.0.0', 16, 'ipv4');
// Unspecified, loopback, and IPv4-compatible addresses (::127.0.0.1).
local.addSubnet('::', 96, 'ipv6');
local.addSubnet('fe80::', 10, 'ipv6');
// The same IPv4 addresses behind IPv6 translators: NAT64, 6to4.
local.addSubnet('64:ff9b::7f00:0', 104, 'ipv6');
local.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
local.addSubnet('2002:7f00::', 24, 'ipv6');
local.addSubnet('2002:a9fe::', 32, 'ipv6');
// Metadata service of AWS over IPv6: a private address, but link-local in all but its number.
local.addAddress('fd00:ec2::254', 'ipv6');

/** Is it an IP address, of either version and also IPv4-mapped, of this machine or its link? Names are not resolved. */
export function isLocalAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const version = isIP(plain);
  return version !== 0 && local.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}

/** A name or address that leads to this machine or its link. */
export class LocalAddressRefused extends Error {
  override name = 'LocalAddressRefused';
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/**
 * `lookup` for `net.connect` that fails with {@link LocalAddressRefused} if a name resolves to a local address. The
 * connection uses the addresses that it returns, so DNS rebinding is impossible.
 */
export function lookupOutside(hostname: string, options: LookupOptions, callback: LookupCallback): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, []);
      return;
    }
    const refused = addresses.find(({ address }) => isLocalAddress(address));
    const first = addresses[0];
    if (refused !== undefined) callback(new LocalAddressRefused(refused.address), []);
    else if (options.all === true) callback(null, addresses);
    else callback(null, first?.address ?? '', first?.family);
  });
}

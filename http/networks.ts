import { BlockList, isIP } from 'node:net';

/** Whether an address of a connection is in one of some networks; IPv4-mapped IPv6 addresses count as IPv4. */
export type NetworkMatch = (address: string | undefined) => boolean;

/** @param networks addresses and networks, as the configuration has checked them */
export function matchNetworks(networks: readonly string[]): NetworkMatch {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const plain = (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}

/** Is an address one of this machine? */
export const isLoopback: NetworkMatch = matchNetworks(['127.0.0.0/8', '::1']);

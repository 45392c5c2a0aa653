"""Open a page to segment images by a few painted ones: python tools/web.py."""

import argparse
import sys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--model', help='config file, or name of a config; by default one that needs no training'
    )
    parser.add_argument('--weights', help='checkpoint of --model')
    parser.add_argument(
        '--host', default='127.0.0.1', help='0.0.0.0 lets others in; there is no password'
    )
    parser.add_argument('--port', type=int, default=7860, help='0: any that is free')
    parser.add_argument('--device', help='cpu, cuda:0, ...; by default what there is')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()

    from mmfewshot_seg.apis import UsageError
    from mmfewshot_seg.apis.tool_inferencer import tool_inferencer
    from mmfewshot_seg.web import make_server

    try:
        inferencer = tool_inferencer(
            args.model, args.weights, args.cfg_options, device=args.device, show_progress=False
        )
        server = make_server(inferencer, args.host, args.port)
    except (
        ImportError,
        OSError,
        ValueError,
        TypeError,
        RuntimeError,
        OverflowError,
        UsageError,
    ) as error:
        print(f'web: {error}', file=sys.stderr)
        sys.exit(2)
    print(f'http://{args.host}:{server.server_port} (Ctrl+C ends it)', flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == '__main__':
    main()

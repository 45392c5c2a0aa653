"""Open a page to segment images by a few painted ones: python tools/web.py."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, UsageError, heavy_imports, run_tool


def main() -> None:
    parser = ToolParser(description=__doc__)
    parser.add_argument(
        '--model', help='config file, or name of a config; by default one that needs no training'
    )
    parser.add_argument('--weights', help='checkpoint of --model')
    parser.add_argument(
        '--host', default='127.0.0.1', help='0.0.0.0 lets others in; there is no password'
    )
    parser.add_argument('--port', type=int, default=7860, help='0: any that is free')
    parser.add_argument(
        '--allow-host',
        nargs='+',
        default=[],
        metavar='NAME',
        help='names by which visitors reach the page, beside addresses and localhost',
    )
    parser.add_argument('--device', help='cpu, cuda:0, ...; by default what there is')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='code in the checkpoint may run'
    )
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()

    from mmfewshot_seg.web import PageServer

    try:  # before anything slow: the port may be taken
        server = PageServer(args.host, args.port, args.allow_host)
    except (OSError, OverflowError) as error:
        raise UsageError(str(error)) from error

    with heavy_imports():
        from mmfewshot_seg.apis.tool_inferencer import tool_inferencer
        from mmfewshot_seg.web.visits import Visits

    inferencer = tool_inferencer(
        args.model,
        args.weights,
        args.cfg_options,
        device=args.device,
        show_progress=False,
        trust_checkpoint=args.trust_checkpoint,
    )
    server.answers = Visits(inferencer).answers
    print(f'http://{args.host}:{server.server_port} (Ctrl+C ends it)', flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == '__main__':
    run_tool(main)

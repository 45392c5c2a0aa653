"""One few-shot task: what is asked of the queries, and what was answered."""

from mmengine.structures import BaseDataElement


class Episode(BaseDataElement):
    """Truth, meta information and, after ``predict``, predictions of one episode.

    The images and the support masks travel as model inputs; an episode holds the rest.
    ``Q`` queries, ``N`` ways, ``K`` shots. Label values: 0 background, 1..N the ways, 255 ignored.

    Data fields:
        query_masks: (Q, H, W) int64. In training at network resolution; in testing at the
            resolution of the evaluation. Queries of unlike size are padded with 255 at the
            bottom and right.
        pred_masks: (Q, H, W) int64, set by ``predict``, on the canvas of ``query_masks``.
        support_clusters: (N, K, H', W') int64, set by ``predict`` if asked for: which prototype of
            its way a position of a support belongs to, from 1, shot by shot; 0 outside the mask.
        guides: (Q, N, H, W) int64, likewise: which prototype of a way guides a position of a
            query, on the canvas of ``query_masks``.

    Meta information:
        index: Number of the episode within its run.
        run: Number of the run (evaluations repeat their episodes with several seeds).
        class_ids: N ints, 0-based indices into the data set's classes.
        class_names: N strings.
        support_paths: N tuples of K paths.
        query_paths: Q paths.
        img_shapes: Q pairs (h, w), size of each query as the network sees it, without padding.
        eval_shapes: Q pairs (h, w); the logits of a query are resized to this size and laid on
            the top left of its label.
    """

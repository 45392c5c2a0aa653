"""One few-shot task: what is asked of the queries, and what was answered."""

from mmengine.structures import BaseDataElement


class Episode(BaseDataElement):
    """Truth, meta information and, after ``predict``, predictions of one episode.

    The images and the support masks travel as model inputs; an episode holds the rest.
    ``Q`` queries, ``N`` ways, ``K`` shots. Label values: 0 background, 1..N the ways, 255 ignored.

    **Where predictions are judged** is told by ``query_masks``, ``img_shapes`` and ``eval_shapes``
    together. Of the logits of a query, the part that shows the image (``img_shapes``) is resized to
    ``eval_shapes`` and laid on the top left of its label, whose canvas cuts it. ``eval_at`` of a
    protocol chooses the three:

    ============  ============================  ===========================================
    ``eval_at``   label                         the logits are resized to
    ============  ============================  ===========================================
    network       resized with the image        ``img_shapes``, that is, not at all
    original      as in its file                its size
    padded        as in its file                the square of its long side, of which it is
                                                the top left (for images padded to a square)
    ============  ============================  ===========================================

    In training it is always ``network``. ``LoadEpisodeMask`` makes the label, by its place in the
    pipeline; ``pack_episode`` derives the shapes and refuses a label of another size;
    ``FewShotSegmentor`` resizes.

    Data fields:
        query_masks: (Q, H, W) int64. Queries of unlike size are padded with 255 at the bottom and
            right.
        pred_masks: (Q, H, W) int64, set by ``predict``, on the canvas of ``query_masks``.
        presence: (Q, N) float32, set by ``predict``: how sure it is that a query shows a way at
            all, see :meth:`BaseFewShotHead.presence`.
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
        eval_shapes: Q pairs (h, w), size that these are resized to.
    """
